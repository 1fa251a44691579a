/** `vpc router genid`. */
import { generateCommand } from '../../generate.ts'

export default generateCommand('router genid', 'vpcrtr')
