/** `vpc address-set genid`. */
import { generateCommand } from '../../generate.ts'

export default generateCommand('address-set genid', 'set')
