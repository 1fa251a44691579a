/** The version in package.json. */
import { readFileSync } from 'node:fs'

/** Read it only when it is shown, not at start-up. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  return version
}
