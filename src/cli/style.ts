/** Colours of the terminal, or none. Only this file writes escape sequences. */

export interface Style {
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
  blue(text: string): string
  magenta(text: string): string
  cyan(text: string): string
}

const sgr =
  (on: number, off: number) =>
  (text: string): string =>
    `\x1b[${on}m${text}\x1b[${off}m`

export const colourful: Style = {
  bold: sgr(1, 22),
  dim: sgr(2, 22),
  red: sgr(31, 39),
  green: sgr(32, 39),
  yellow: sgr(33, 39),
  blue: sgr(34, 39),
  magenta: sgr(35, 39),
  cyan: sgr(36, 39),
}

const same = (text: string): string => text

export const plain: Style = { bold: same, dim: same, red: same, green: same, yellow: same, blue: same, magenta: same, cyan: same }

/** Colours on request; without an option, on a terminal unless NO_COLOR forbids them. */
export function styleFor(
  asked: boolean | undefined,
  isTerminal: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): Style {
  const wanted = asked ?? (isTerminal && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb')
  return wanted ? colourful : plain
}

/** Columns that a text takes on a terminal: escape sequences take none. */
// eslint-disable-next-line no-control-regex
export const widthOf = (text: string): number => text.replace(/\x1b\[[\d;]*m/g, '').length
