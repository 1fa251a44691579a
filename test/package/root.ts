/** Fetches what the tests of packages need, while there is a network: the tests run without one. */
import { fetchNative } from '../../scripts/package/native.ts'
import { foreignArchitecture, foreignRoot } from '../kernels/foreign-root.ts'
import { ensureRoot } from './machine.ts'

ensureRoot()
fetchNative(foreignArchitecture)
foreignRoot(foreignArchitecture)
