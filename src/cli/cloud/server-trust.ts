/** Whether the certificate of an API is to be trusted, and what to do when it is not. */
import { isIP } from 'node:net'
import type { PeerCertificate, SecureContext } from 'node:tls'
import { apiServerName } from '#feed/join.ts'

let trusted: Promise<SecureContext> | undefined

/**
 * Trust in the authorities that this machine trusts: those of Node, and those of the system (on Debian
 * /etc/ssl/certs). All connections of a process share it: reading some 250 certificates takes 20 ms of processor.
 */
export const machineTrust = (): Promise<SecureContext> => (trusted ??= readTrusted())

async function readTrusted(): Promise<SecureContext> {
  const { createSecureContext, getCACertificates } = await import('node:tls')
  return createSecureContext({ ca: [...new Set([...getCACertificates('default'), ...getCACertificates('system')])] })
}

/** Options of TLS for a certificate with another name than the URL. RFC 6066: nobody asks for an address by SNI. */
export async function namedAs(name: string): Promise<object> {
  const { checkServerIdentity } = await import('node:tls')
  return {
    servername: isIP(name) === 0 ? name : '',
    checkServerIdentity: (_: string, certificate: PeerCertificate) => checkServerIdentity(name, certificate),
  }
}

/** Nobody whom the client trusts has signed it. */
const unknownAuthority = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
])

/** What OpenSSL says of an answer that is not TLS at all. */
const isPlain = /wrong version number|packet length too long|http request/

/**
 * What an error of TLS means, and the way out; undefined: it is about something else. `name` is asked for in the
 * certificate, unless it is that of the URL.
 */
export function trustProblem(error: NodeJS.ErrnoException, { hostname, protocol, host }: URL, name = hostname): string | undefined {
  const { code = '', message } = error
  if (unknownAuthority.has(code))
    return (
      'no authority that this machine trusts has signed its certificate; name the file with the authority: vpc login --ca=FILE, ' +
      'or VPC_CA=FILE (ca.pem in the directory of the agent, on a host of the cloud)'
    )
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = namesOf(error)
    const first = names.split(', ')[0] || apiServerName
    return `its certificate is for ${names || 'no name'}, and not for ${name}; if that is the API that you mean, say so: vpc login --server-name=${first}, or VPC_SERVER_NAME=${first}`
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return `its certificate ${code === 'CERT_HAS_EXPIRED' ? 'has ended' : 'is not valid yet'}; is the clock of this machine right?`
  if (code === 'EPROTO' && protocol === 'https:' && isPlain.test(message))
    return `it does not speak TLS there; without TLS it is http://${host}`
  if (code === 'ECONNRESET' && protocol === 'http:')
    return `it ended the connection without an answer; does it speak TLS (https://${host})?`
  return undefined
}

/** `DNS:a, IP Address:1.2.3.4`, as Node has it, without the types. */
function namesOf(error: Error): string {
  const { cert } = error as { cert?: { readonly subjectaltname?: string } }
  return (cert?.subjectaltname ?? '').replaceAll(/(?:DNS|IP Address|URI):/g, '')
}
