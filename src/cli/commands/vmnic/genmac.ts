/** `vpc vmnic genmac`. */
import { generateCommand } from '../../generate.ts'

export default generateCommand('vmnic genmac', 'vmnic')
