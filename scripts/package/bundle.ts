/**
 * Programs of a package as one file each, in `programs`: a start then reads one module, and not a hundred and fifty.
 * Commands that need a package of npm, such as the daemons, stay in src: they run long.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, relative } from 'node:path'
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild'
import { loadTree } from '#cli/load.ts'

const root = join(import.meta.dirname, '../..')

/** Programs that are one file as a whole, and the module that each runs. */
const whole = { 'vpc-cni': 'src/cni/main.ts', 'vpc-oci-hook': 'src/oci/main.ts', 'vpc-netavark': 'src/oci/netavark.ts' }

/** The one package that a file may have in itself. */
const inlined = 'yaml'

const options = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node26',
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
} as const satisfies BuildOptions

const plugins: Plugin[] = [
  {
    name: 'builtin',
    setup(build) {
      // An import calls all getters of a module, and one of node:http loads a whole fetch. So nothing is imported.
      build.onResolve({ filter: /^[a-z]/ }, ({ path }) => (isBuiltin(path) ? { path, namespace: 'builtin' } : undefined))
      build.onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({
        contents: `module.exports = process.getBuiltinModule('${path}')`,
      }))
    },
  },
  {
    name: 'place',
    setup(build) {
      // A module finds files beside it where src has it.
      build.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => ({
        contents: readFileSync(path, 'utf8').replaceAll(
          'import.meta.url',
          `new URL('../${relative(root, path).replace(/ts$/, 'js')}', import.meta.url).href`,
        ),
        loader: 'ts',
      }))
    },
  },
]

/** Write them into the folder `programs` of a published tree, and have those of its folder `bin` start them. */
export async function writePrograms(directory: string): Promise<void> {
  const out = join(directory, 'programs')
  for (const [name, source] of Object.entries(whole)) {
    await build({ ...options, plugins, entryPoints: [{ in: source, out: name }], outdir: out })
    startBy(join(directory, 'bin', `${name}.mjs`), `await ${imported(`../programs/${name}.js`)}`)
  }
  const all = commandNames()
  const apart = new Set(apartOf(await graph(all), all))
  const contents = entry(
    all.filter((name) => !apart.has(name)),
    await summariesOfAll(),
  )
  await build({ ...options, plugins, stdin: { contents, resolveDir: root, loader: 'ts' }, outfile: join(out, 'vpc.js') })
  writeFileSync(join(out, 'start.js'), starter([...apart]))
  startBy(join(directory, 'bin/vpc.mjs'), `await (await ${imported('../programs/start.js')}).programFor(process.argv.slice(2))`)
}

const commandNames = (): string[] =>
  readdirSync(join(root, 'src/cli/commands'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => name.slice(0, -3))
    .sort()

/** What each command does, by its words with slashes between. */
const summariesOfAll = async (): Promise<Readonly<Record<string, string>>> =>
  Object.fromEntries((await loadTree()).flatMap(({ path, command }) => (command ? [[path.join('/'), command.summary]] : [])))

/** The command with some of its commands in it, and what is said of all. */
const entry = (names: readonly string[], said: Readonly<Record<string, string>> = {}): string => `
import { inside, summaries } from './src/cli/load.ts'
export { isInside } from './src/cli/inside.ts'
export { main } from './src/cli/main.ts'
Object.assign(inside, {
${names.map((name) => `  '${name}': () => import('./src/cli/commands/${name}.ts'),`).join('\n')}
})
Object.assign(summaries, ${JSON.stringify(said)})
`

/** What imports a module of the published tree. */
const imported = (path: string): string => `import('${path}')`

/** Which program runs the words of a command line. Those that stay apart read nothing of the others. */
const starter = (apart: readonly string[]): string => `const apart = ${JSON.stringify(apart)}
const isApart = (words) => apart.some((name) => name === words.slice(0, name.split('/').length).join('/'))

export async function programFor(words) {
  if (!isApart(words)) {
    const program = await ${imported('./vpc.js')}
    if (program.isInside(words)) return program
  }
  return ${imported('../src/cli/main.js')}
}
`

/** What imports what. */
async function graph(names: readonly string[]): Promise<Metafile['inputs']> {
  const { metafile } = await build({
    ...options,
    packages: 'external',
    stdin: { contents: entry(names), resolveDir: root, loader: 'ts' },
    outfile: join(root, 'build/unwritten.js'),
    write: false,
  })
  return metafile.inputs
}

/** The commands that reach a package other than the one. */
function apartOf(inputs: Metafile['inputs'], names: readonly string[]): string[] {
  const below = (path: string, seen: Set<string>): Set<string> => {
    if (seen.has(path)) return seen
    seen.add(path)
    for (const { path: next } of inputs[path]?.imports ?? []) below(next, seen)
    return seen
  }
  const isPackage = (path: string): boolean => inputs[path] === undefined && !path.startsWith('node:')
  return names.filter((name) => [...below(`src/cli/commands/${name}.ts`, new Set())].some((path) => isPackage(path) && path !== inlined))
}

/** Have a program of `bin` take its main from elsewhere. Throws when it has none to replace. */
function startBy(path: string, main: string): void {
  const text = readFileSync(path, 'utf8')
  const changed = text.replace(/await import\('\.\.\/src\/[^']+'\)/, () => main)
  if (changed === text) throw new Error(`${path} imports no main of src`)
  writeFileSync(path, changed)
}
