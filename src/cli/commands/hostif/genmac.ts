/** `vpc hostif genmac`. */
import { generateCommand } from '../../generate.ts'

export default generateCommand('hostif genmac', 'hostif')
