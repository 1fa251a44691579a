/** The npm packages that run on a host: those of package.json and what they need, without Node and without types. */
import { cpSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const root = join(import.meta.dirname, '../..')

/** An installed package, as package-lock.json has it. */
export interface Installed {
  readonly version: string
  readonly integrity: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** Packages by their place, such as node_modules/yaml. */
export const readLock = (): Readonly<Record<string, Installed>> =>
  (JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, Installed> }).packages

/** The places of what package.json depends on, directly or not, without what is for one kind of system. */
export function runtimePlaces(lock: Readonly<Record<string, Installed>> = readLock()): string[] {
  const seen = new Set<string>()
  function walk(place: string): void {
    if (seen.has(place)) return
    seen.add(place)
    for (const name of Object.keys(lock[place]!.dependencies ?? {})) walk(placeOf(lock, name, place))
  }
  for (const name of Object.keys(lock['']!.dependencies ?? {})) walk(placeOf(lock, name, ''))
  return [...seen].filter((place) => !/\/(@types\/|undici-types$)/.test(place)).sort()
}

/** Node's search: beside the package that asks, then further up. */
function placeOf(lock: Readonly<Record<string, Installed>>, name: string, from: string): string {
  for (let above = from; ; above = above.slice(0, Math.max(above.lastIndexOf('/node_modules/'), 0))) {
    const place = `${above}${above === '' ? '' : '/'}node_modules/${name}`
    if (lock[place] !== undefined) return place
    if (above === '') throw new Error(`package-lock.json has no ${name}, which ${from || 'package.json'} needs`)
  }
}

/** Sources of what is beside them as JavaScript, maps, and documents. Licenses stay. */
const unneeded = /(\.(ts|mts|cts|map|md|markdown|flow|tsbuildinfo|cc|hh|inc|def|S|asm)|^\.[^/]*|^(test|tests|docs|benchmarks?|examples?))$/i
const kept = /^(license|licence|copying|notice)/i

/** Copy them below a directory. */
export function copyDependencies(directory: string): void {
  for (const place of runtimePlaces()) {
    const from = join(root, place)
    cpSync(from, join(directory, place), {
      recursive: true,
      dereference: true,
      filter: (path) => path === from || (basename(path) !== 'node_modules' && isNeeded(path.slice(from.length + 1))),
    })
  }
}

function isNeeded(path: string): boolean {
  const [first] = path.split('/')
  const name = basename(path)
  return kept.test(name) || !(unneeded.test(name) && (name.includes('.') || name === first))
}
