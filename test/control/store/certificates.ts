/** Certificates for a cluster of tests, made by openssl: an authority, the members', and users'. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Credentials } from '#control/store/location.ts'

const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

export class Authority {
  readonly #directory: string
  readonly ca: string

  constructor(directory: string) {
    this.#directory = directory
    this.ca = join(directory, 'ca.pem')
    openssl('req', '-x509', ...newKey, '-keyout', join(directory, 'ca.key'), '-out', this.ca, '-days', '2', '-subj', '/CN=test authority')
  }

  /** A certificate for a user or a member, whose common name it is. */
  issue(name: string, addresses: readonly string[] = []): Credentials {
    const [key, cert, request, extensions] = ['key', 'pem', 'csr', 'ext'].map((ending) => join(this.#directory, `${name}.${ending}`))
    writeFileSync(
      extensions!,
      [
        'extendedKeyUsage=clientAuth,serverAuth',
        ...(addresses.length > 0 ? [`subjectAltName=${addresses.map((address) => `IP:${address}`).join(',')}`] : []),
      ].join('\n'),
    )
    openssl('req', ...newKey, '-keyout', key!, '-out', request!, '-subj', `/CN=${name}`)
    const by = ['-CA', this.ca, '-CAkey', join(this.#directory, 'ca.key'), '-CAcreateserial']
    openssl('x509', '-req', '-in', request!, ...by, '-out', cert!, '-days', '2', '-extfile', extensions!)
    return { ca: this.ca, cert: cert!, key: key! }
  }
}
