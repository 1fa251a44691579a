/** The option for the directory of virtual machines. */
import { text } from './option.ts'

export const vmDir = text('directory that holds the virtual machines', 'DIR', 'directory').defaultsTo('VPC_VM_DIR, else /var/lib/vpc/vm')
