/** The version in package.json. */
import { readFileSync } from 'node:fs'

/** Read it; called by what shows it, not at start-up. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  return version
}
