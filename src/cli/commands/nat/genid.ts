/** `vpc nat genid`. */
import { generateCommand } from '../../generate.ts'

export default generateCommand('nat genid', 'vpcnat')
