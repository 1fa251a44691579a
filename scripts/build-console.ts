/**
 * Builds the web console into build/console, when a source is newer than what is there. `--force` builds it anyway.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import { consolePages } from './console-pages.ts'

const root = join(import.meta.dirname, '..')
const out = join(root, 'build/console')

/** The newest change of a file or directory below some folders: a directory changes when a file of it goes. */
function newest(...paths: readonly string[]): number {
  const times = paths.map((path) => {
    const stat = statSync(path)
    const below = stat.isDirectory() ? readdirSync(path).map((name) => newest(join(path, name))) : []
    return Math.max(stat.mtimeMs, ...below)
  })
  return Math.max(...times)
}

const sources = [
  'console',
  'docs',
  'src/resource',
  'src/wire',
  'src/abi',
  'scripts/build-console.ts',
  'scripts/console-pages.ts',
  'package.json',
].map((name) => join(root, name))
const made = join(out, 'index.html')

if (process.argv.includes('--force') || !existsSync(made) || statSync(made).mtimeMs < newest(...sources)) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['console.ts', 'console.css', 'index.html', 'host.ts', 'host.html'].map((name) => `console/${name}`),
    outdir: out,
    outbase: 'console',
    bundle: true,
    write: false,
    format: 'esm',
    target: ['chrome123', 'firefox120', 'safari17.5'],
    minify: true,
    legalComments: 'none',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    loader: { '.html': 'copy' },
    logLevel: 'warning',
  })
  const docs = join(root, 'docs')
  const images = readdirSync(docs).filter((name) => name.endsWith('.svg'))
  const files = [
    { path: join(out, 'docs.json'), contents: Buffer.from(JSON.stringify(consolePages(docs))) },
    ...images.map((name) => ({ path: join(out, name), contents: readFileSync(join(docs, name)) })),
    ...outputFiles,
  ]
  mkdirSync(out, { recursive: true })
  // Whoever reads a file meanwhile sees the old or the new one. The page comes last: by its time the build is judged.
  for (const { path, contents } of files.toSorted((a, b) => Number(a.path.endsWith('.html')) - Number(b.path.endsWith('.html')))) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(`${path}.${process.pid}`, contents)
    renameSync(`${path}.${process.pid}`, path)
  }
  console.error(`build-console: ${files.map(({ path, contents }) => `${path.slice(out.length + 1)} ${contents.length} bytes`).join(', ')}`)
}
