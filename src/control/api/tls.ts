/** The certificate that the API shows to people: of files, or of its own CA. It changes while the API runs. */
import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import { createSecureContext } from 'node:tls'
import type { Issuer } from '../issuer/issuer.ts'
import { ApiStartRefused } from './start-refused.ts'

/** Where the certificate and its key are. Neither: the API speaks no TLS, or has a certificate of its own CA. */
export interface TlsFiles {
  readonly tlsCert?: string | undefined
  readonly tlsKey?: string | undefined
}

/** What TLS needs. */
interface Tls {
  readonly cert: string | Buffer
  readonly key: string | Buffer
  readonly minVersion: 'TLSv1.3'
}

export const tlsOf = ({ certificate, key }: { readonly certificate: string; readonly key: string }): Tls => ({
  cert: certificate,
  key,
  minVersion: 'TLSv1.3',
})

/** Read a certificate and the key that belongs to it. Throws ApiStartRefused. */
export function readTls({ tlsCert = '', tlsKey = '' }: TlsFiles): Tls {
  try {
    const tls: Tls = { cert: readFileSync(tlsCert), key: readFileSync(tlsKey), minVersion: 'TLSv1.3' }
    createSecureContext(tls)
    return tls
  } catch (error) {
    throw new ApiStartRefused(`the certificate ${tlsCert} and the key ${tlsKey} cannot be used: ${(error as Error).message}`)
  }
}

/** From now on, show this one. Connections that are open stay. Throws ApiStartRefused, and changes nothing. */
export function useTls(server: Server, files: TlsFiles): void {
  if (files.tlsCert !== undefined) (server as HttpsServer).setSecureContext(readTls(files))
}

/** Hourly: certificates of the API's own CA are good for some days. */
export async function renewTls(server: Server, authority: Issuer): Promise<void> {
  ;(server as HttpsServer).setSecureContext(tlsOf(await authority.issueServer()))
}
