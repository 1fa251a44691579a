/** Kinds of settings of what a guest reads about itself from the metadata service: its name, keys, user data. */
import { isDomainName } from '#wire/domain-name.ts'
import { failure, success, type Result } from '#wire/result.ts'
import { chosen, type Kind } from './kind.ts'

/** As EC2 has it: cloud-init expects no more. */
const maxUserDataBytes = 16_384
const maxKeysBytes = 8192

const bytesOf = (text: string): number => Buffer.byteLength(text, 'utf8')

/** The name of a host, or none. Case does not count in DNS. */
export const hostName: Kind<string | null, string | null> = chosen(
  'a host name',
  'NAME',
  (value) => value,
  (text) =>
    isDomainName(text)
      ? success(text.toLowerCase())
      : failure(`'${text}' is not a host name of at most 63 letters, digits, dashes and dots`),
)

/** A kind whose option names a file. */
const ofFile = <K extends Kind<string | null, string | null>>(kind: K): K => ({
  ...kind,
  text: { ...kind.text, placeholder: 'FILE|none', isFile: true },
})

/** Public keys, one a line: in their one form, or what is wrong with them. */
export function parseKeys(text: string): Result<string> {
  const lines = text.split('\n').map((line) => line.trim())
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#'))
  if (text.includes('PRIVATE KEY')) return failure('this is a private key; give the public one, whose file ends in .pub')
  const odd = keys.find((line) => !/^(?:\S.* )?(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-\S+ [A-Za-z\d+/]+=*(?: .*)?$/.test(line))
  if (odd !== undefined) return failure(`'${odd.slice(0, 40)}' is not a public key as authorized_keys has them`)
  if (keys.length === 0) return failure('there is no key in it')
  const joined = keys.join('\n')
  return bytesOf(joined) > maxKeysBytes ? failure(`${bytesOf(joined)} bytes of keys are more than ${maxKeysBytes}`) : success(joined)
}

/** Public keys, one a line, or none. */
export const publicKeys: Kind<string | null, string | null> = ofFile(chosen('public keys', 'KEYS', (value) => value, parseKeys))

/** User data, or what is wrong with it. */
export function parseUserData(text: string): Result<string> {
  if (text.includes('\0') || text.includes('\ufffd'))
    return failure('user data must be text in UTF-8; put other bytes into a MIME part, as base64')
  return bytesOf(text) > maxUserDataBytes
    ? failure(`${bytesOf(text)} bytes are more than the ${maxUserDataBytes} that user data may have; have it fetch the rest`)
    : success(text)
}

/** User data of cloud-init, or none. */
export const userData: Kind<string | null, string | null> = ofFile(chosen('user data', 'DATA', (value) => value, parseUserData))
