/** `vpc mux genid`. */
import { generateCommand } from '../../generate.ts'

export default generateCommand('mux genid', 'vpcmux')
