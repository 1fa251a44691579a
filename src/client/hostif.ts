/** An interface for the host's own stack or a container: a veth whose one end may be moved into a network namespace. */
import { withSettings } from './setting.ts'

export class Hostif extends withSettings('hostif') {}
