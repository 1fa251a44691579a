/** Loads the package that makes certificates, when the first one is made: it takes a tenth of a second. */
import type * as X509 from '@peculiar/x509'

let loading: Promise<typeof X509> | undefined

/** The package. */
export const loadX509 = (): Promise<typeof X509> => (loading ??= load())

async function load(): Promise<typeof X509> {
  // The package asks for it, and does not bring it.
  await import('reflect-metadata')
  return import('@peculiar/x509')
}
