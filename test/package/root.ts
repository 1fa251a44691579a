/** Makes the root of the test's machine, while there is a network: the tests run without one. */
import { ensureRoot } from './machine.ts'

ensureRoot()
