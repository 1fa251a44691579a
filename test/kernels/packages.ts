/**
 * Debian's kernels for tests, unpacked below build/kernels. What has been unpacked once is used again without a
 * network.
 */
import { existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { oldestKernelText } from '#abi/requirements.ts'
import { aptRoot, hostArchitecture, mirrorVariable, NoKernel, run, store, wordsOf, type Architecture } from './apt-root.ts'
import { foreignArchitecture, foreignRoot } from './foreign-root.ts'

/**
 * Small suites that hold the oldest kernel that vpcd takes, the newest that Debian has for its stable release, and
 * those between.
 */
const usualSuites = ['bookworm-backports', 'trixie-backports']

/**
 * Which kernel is wanted: `6.12`, or `newest`. The cloud flavour knows virtual NICs alone; the generic one is larger.
 */
export interface KernelWish {
  readonly series: string
  readonly architecture?: Architecture
  readonly flavour?: 'cloud' | 'generic'
  /** Where to look for it, when not in the two small suites. */
  readonly suites?: readonly string[]
}

/** A kernel that was unpacked. */
export interface Kernel {
  readonly release: string
  readonly architecture: Architecture
  readonly image: string
  /** The folder that must be /lib/modules/RELEASE. */
  readonly modules: string
}

/** 6.12.95 of `6.12.95+deb12-cloud-amd64`, 6.1.0.47 of `6.1.0-47-cloud-amd64`. */
const numbers = (release: string): number[] => (/^[\d.]+(?:-\d+)?/.exec(release)?.[0] ?? '').split(/[.-]/).map(Number)

/** Order releases by their numbers. */
function compareReleases(a: string, b: string): number {
  const [left, right] = [numbers(a), numbers(b)]
  const index = left.findIndex((value, at) => value !== (right[at] ?? 0))
  return index === -1 ? left.length - right.length : left[index]! - (right[index] ?? 0)
}

/** The release that is wanted, of those that there are; the newest of its series. */
function choose(wish: Required<KernelWish>, releases: readonly string[]): string | undefined {
  const ending = `${wish.flavour === 'cloud' ? 'cloud-' : ''}${wish.architecture}`
  const form = new RegExp(`^\\d[\\d.]*(\\+[\\w.]+)?(-\\d+)?-${ending}$`)
  const isOfSeries = (release: string): boolean => wish.series === 'newest' || numbers(release).slice(0, 2).join('.') === wish.series
  const fits = releases.filter((release) => form.test(release) && isOfSeries(release))
  return fits.sort(compareReleases).at(-1)
}

/** The packages with the image and the modules of a release: newer kernels have two. */
function packagesOf(config: string, release: string): string[] {
  const image = `linux-image-${release}`
  const depends = run('apt-cache', ['-c', config, 'depends', image])
  const parts = [...depends.matchAll(/Depends: (linux-(?:binary|modules)-\S+)/g)].map((match) => match[1]!)
  return parts.length > 0 ? parts : [image]
}

function availableReleases(config: string): string[] {
  const names = run('apt-cache', ['-c', config, 'pkgnames', 'linux-image-']).split('\n')
  return names.flatMap((name) => /^linux-image-(\d.*?(?:amd64|arm64))$/.exec(name)?.[1] ?? [])
}

/** Download and unpack a release. It is beside its place until it is whole. */
function unpack(config: string, release: string, into: string): void {
  const work = mkdtempSync(`${into}.`)
  try {
    run('apt-get', ['-q', '-c', config, 'download', ...packagesOf(config, release)], work)
    for (const archive of globSync('*.deb', { cwd: work })) {
      run('dpkg-deb', ['-x', archive, 'tree'], work)
      rmSync(join(work, archive))
    }
    const [image] = globSync('tree/{boot/vmlinuz-*,usr/lib/modules/*/vmlinuz}', { cwd: work })
    const [modules] = globSync('tree/{lib,usr/lib}/modules/*/kernel', { cwd: work })
    if (image === undefined || modules === undefined)
      throw new NoKernel(`Debian's packages of Linux ${release} have no image or no modules`)
    renameSync(join(work, image), join(work, 'vmlinuz'))
    mkdirSync(join(work, 'lib/modules'), { recursive: true })
    renameSync(join(work, modules, '..'), join(work, 'lib/modules', release))
    rmSync(join(work, 'tree'), { recursive: true })
    run('depmod', ['-b', work, release])
    renameSync(work, into)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

const unpacked = (release: string, architecture: Architecture): Kernel => ({
  release,
  architecture,
  image: join(store, release, 'vmlinuz'),
  modules: join(store, release, 'lib/modules', release),
})

function releasesHere(): string[] {
  return globSync('*/vmlinuz', { cwd: store }).map((path) => path.split('/')[0]!)
}

/** Which release `newest` was when it was last fetched. */
const newestLink = (flavour: string, architecture: Architecture): string => join(store, `newest-${flavour}-${architecture}`)

function releaseHere(wish: Required<KernelWish>): string | undefined {
  if (wish.series !== 'newest') return choose(wish, releasesHere())
  const [image] = globSync(join(newestLink(wish.flavour, wish.architecture), 'lib/modules/*'))
  return image && basename(image)
}

function fetchKernel(wish: Required<KernelWish>): string {
  const { architecture, flavour, series, suites } = wish
  const config = aptRoot(wish)
  const release = choose(wish, availableReleases(config))
  if (release === undefined) throw new NoKernel(`Debian's ${suites.join(' and ')} have no ${flavour} kernel ${series} for ${architecture}`)
  if (!existsSync(join(store, release, 'vmlinuz'))) {
    console.error(`kernels: fetching Linux ${release}`)
    unpack(config, release, join(store, release))
  }
  if (series === 'newest') {
    rmSync(newestLink(flavour, architecture), { force: true })
    symlinkSync(release, newestLink(flavour, architecture))
  }
  return release
}

/**
 * The kernel that is wanted: one that was unpacked before, else (or with `fresh`) what the mirror has now. Throws
 * NoKernel when there is neither.
 */
export function kernelFor(wish: KernelWish, { fresh = false } = {}): Kernel {
  const whole = { architecture: hostArchitecture, flavour: 'cloud', suites: usualSuites, ...wish } as const
  const here = releaseHere(whole)
  if (here !== undefined && !fresh) return unpacked(here, whole.architecture)
  try {
    mkdirSync(store, { recursive: true })
    return unpacked(fetchKernel(whole), whole.architecture)
  } catch (error) {
    if (here !== undefined) {
      console.error(`kernels: no newer one could be looked for (${wordsOf(error)}); Linux ${here} is here and is taken`)
      return unpacked(here, whole.architecture)
    }
    if (error instanceof NoKernel) throw error
    const advice = `does this machine reach the mirror of its own sources? 'apt-get update' tells; ${mirrorVariable} names another`
    throw new NoKernel(
      `no kernel ${whole.series} (${whole.flavour}, ${whole.architecture}) could be fetched: ${wordsOf(error)}; ${advice}`,
      {
        cause: error,
      },
    )
  }
}

/** Debian's oldest kernel that vpcd takes; the tests boot it everywhere. */
export const oldest: KernelWish = { series: oldestKernelText }

/** The newest kernel that Debian has for its stable release. */
export const newest: KernelWish = { series: 'newest' }
/** One that is refused. */
export const tooOld: KernelWish = { series: '6.1', suites: ['bookworm'] }
/** All that the long form boots. */
const ofLongForm: readonly KernelWish[] = [
  oldest,
  newest,
  { ...oldest, flavour: 'generic' },
  tooOld,
  ...[oldest, newest].map((wish) => ({ ...wish, architecture: foreignArchitecture })),
]

/** Fetch what a test boots, before it runs without a network. What is not to be had is said, and the process fails. */
export function fetchKernels(...wishes: readonly KernelWish[]): void {
  sayingWhatIsMissing(() => {
    for (const wish of wishes) console.log(kernelFor(wish).image)
  })
}

function sayingWhatIsMissing(fetch: () => void): void {
  try {
    fetch()
  } catch (error) {
    if (!(error instanceof NoKernel)) throw error
    console.error(`kernels: ${error.message}`)
    process.exitCode = 1
  }
}

// The long form takes what is newest.
if (import.meta.main)
  sayingWhatIsMissing(() => {
    for (const wish of ofLongForm) console.log(kernelFor(wish, { fresh: true }).image)
    console.log(foreignRoot(foreignArchitecture)!.files)
  })
