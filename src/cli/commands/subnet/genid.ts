/** `vpc subnet genid`. */
import { generateCommand } from '../../generate.ts'

export default generateCommand('subnet genid', 'subnet')
