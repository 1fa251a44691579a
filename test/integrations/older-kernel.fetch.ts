/** Fetches the kernel that the test boots. */
import { fetchKernels, oldest } from '../kernels/packages.ts'

fetchKernels(oldest)
