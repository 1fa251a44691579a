/** Reads the XML that libvirt writes: elements, attributes and text. Comments are left out. */
import { Failure } from '../failure.ts'

export interface Element {
  /** Without its prefix. */
  readonly name: string
  /** Namespace that the prefix means; undefined: none. */
  readonly namespace: string | undefined
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly Element[]
  /** Its own text, without white space around it. */
  readonly text: string
}

interface Open {
  readonly tag: string
  readonly attributes: Readonly<Record<string, string>>
  readonly prefixes: Readonly<Record<string, string>>
  readonly children: Element[]
  text: string
}

const pieces =
  /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<\/([^\s>]+)\s*>|<([^\s/>!?]+)((?:[^>"']|"[^"]*"|'[^']*')*?)(\/?)>|([^<]+)/gy
const attribute = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g
const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/** The root element. Throws a Failure for what is not an XML document. */
export function parseXml(text: string): Element {
  const root: Open = { tag: '', attributes: {}, prefixes: {}, children: [], text: '' }
  const stack = [root]
  let end = 0
  for (const piece of text.matchAll(pieces)) {
    end = piece.index + piece[0].length
    read(piece, stack)
  }
  const [only, ...more] = root.children
  if (end < text.length || stack.length > 1 || only === undefined || more.length > 0) throw noXml(text, end)
  return only
}

function read([, cdata, closing, tag, attributes, isEmpty, text]: RegExpMatchArray, stack: Open[]): void {
  const top = stack.at(-1)!
  if (cdata !== undefined) top.text += cdata
  else if (text !== undefined) top.text += unescape(text)
  else if (tag !== undefined) {
    stack.push(opened(tag, attributes!, top))
    if (isEmpty === '/') close(stack)
  } else if (closing !== undefined) {
    if (closing !== top.tag) throw new Failure('failed', `no XML document: <${top.tag}> ends as </${closing}>`)
    close(stack)
  }
}

function opened(tag: string, text: string, { prefixes }: Open): Open {
  const attributes = Object.fromEntries([...text.matchAll(attribute)].map(([, name, one, other]) => [name!, unescape(one ?? other!)]))
  const own = Object.entries(attributes).flatMap(([name, value]) => {
    const prefix = /^xmlns(?::(.+))?$/.exec(name)
    return prefix === null ? [] : [[prefix[1] ?? '', value] as const]
  })
  return { tag, attributes, prefixes: { ...prefixes, ...Object.fromEntries(own) }, children: [], text: '' }
}

function close(stack: Open[]): void {
  const { tag, attributes, prefixes, children, text } = stack.pop()!
  const [name, prefix = ''] = tag.split(':').toReversed() as [string, string?]
  stack.at(-1)!.children.push({ name, namespace: prefixes[prefix], attributes, children, text: text.trim() })
}

const unescape = (text: string): string =>
  text.replace(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (whole, hex?: string, decimal?: string, name?: string) => {
    if (name !== undefined) return named[name] ?? whole
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })

const noXml = (text: string, at: number): Failure =>
  new Failure('failed', `no XML document: it cannot be read from character ${at} of ${text.length} on`)

/** Text as the value of an attribute. */
export const escapeXml = (text: string): string =>
  text.replace(/[<>&'"]/g, (each) => `&${Object.entries(named).find(([, value]) => value === each)![0]};`)

/** The child of a name; undefined: there is none. */
export const childOf = (element: Element | undefined, name: string): Element | undefined =>
  element?.children.find((child) => child.name === name)
