/** `vpc group genid`. */
import { generateCommand } from '../../generate.ts'

export default generateCommand('group genid', 'group')
