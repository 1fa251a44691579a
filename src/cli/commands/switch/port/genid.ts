/** `vpc switch port genid`. */
import { generateCommand } from '../../../generate.ts'

export default generateCommand('switch port genid', 'vpcp')
