/** `vpc ethlink genid`. */
import { generateCommand } from '../../generate.ts'

export default generateCommand('ethlink genid', 'ethlink')
