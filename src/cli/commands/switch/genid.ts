/** `vpc switch genid`. */
import { generateCommand } from '../../generate.ts'

export default generateCommand('switch genid', 'vpcsw')
