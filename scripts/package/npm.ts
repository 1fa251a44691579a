/**
 * The npm package: the library of src/client with its types, as JavaScript for Node 20 and newer. It depends on no
 * other package and runs nothing when it is installed.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { emitJavaScript, publishedImports, readManifest } from './javascript.ts'

const root = join(import.meta.dirname, '../..')
const folders = ['client', 'abi', 'wire']

/** Make the package's tree in a directory, and its .tgz in `out`. Gives the path of the .tgz. */
export function buildNpm(out: string): string {
  const tree = join(out, 'npm')
  rmSync(tree, { recursive: true, force: true })
  mkdirSync(tree, { recursive: true })
  emitJavaScript(join(tree, 'src'), 'packaging/tsconfig.library.json')
  writeFileSync(join(tree, 'package.json'), `${JSON.stringify(libraryManifest(), null, 2)}\n`)
  cpSync(join(root, 'LICENSE'), join(tree, 'LICENSE'))
  writeFileSync(join(tree, 'README.md'), readme())
  // Its own settings and no one's cache: nothing of this machine gets in.
  const packed = execFileSync('npm', ['pack', '--json', `--pack-destination=${out}`], {
    cwd: tree,
    encoding: 'utf8',
    env: { ...process.env, npm_config_update_notifier: 'false' },
  })
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
  return join(out, filename)
}

function libraryManifest(): object {
  const { name, version, description, license, imports } = readManifest()
  const own = Object.entries(imports).filter(([key]) => folders.some((folder) => key === `#${folder}/*`))
  return {
    name,
    version,
    description: `${String(description)}: the library`,
    license,
    type: 'module',
    engines: { node: '>=20' },
    exports: { '.': { types: './src/client/library.d.ts', default: './src/client/library.js' } },
    imports: publishedImports(Object.fromEntries(own)),
    files: ['src', 'README.md', 'LICENSE'],
    sideEffects: false,
    peerDependencies: { '@types/node': '>=20' },
    peerDependenciesMeta: { '@types/node': { optional: true } },
  }
}

/** The library's page. Its links lead to pages that are not in the package, so they become their words. */
const readme = (): string => readFileSync(join(root, 'docs/library.md'), 'utf8').replaceAll(/\[([^\]]+)\]\((?!https:)[^)]+\)/g, '$1')
