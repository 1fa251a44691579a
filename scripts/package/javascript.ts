/**
 * The published JavaScript: src as tsc emits it, with bin, the compiled eBPF objects and the console beside it, in the
 * places where they are in the repository; and programs of one file each, which bin starts.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writePrograms } from './bundle.ts'

const root = join(import.meta.dirname, '../..')

/** package.json, as far as a package needs it. */
interface Manifest {
  readonly version: string
  readonly imports: Readonly<Record<string, string>>
  readonly [key: string]: unknown
}

/** package.json of the repository. */
export const readManifest = (): Manifest => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest

/**
 * Make the tree in an empty or missing directory, with declarations of types unless they are not wanted. Needs what
 * `npm run build` makes. Throws when tsc finds a fault.
 */
export async function writeJavaScript(directory: string, { declarations = true } = {}): Promise<void> {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  emitJavaScript(join(directory, 'src'), 'packaging/tsconfig.json', declarations)
  cpSync(join(root, 'src/lab/take-lease'), join(directory, 'src/lab/take-lease'))
  for (const name of ['vpc.mjs', 'vpc-cni.mjs', 'vpc-oci-hook.mjs', 'vpc-netavark.mjs', 'compile-cache.mjs']) {
    const text = readFileSync(join(root, 'bin', name), 'utf8')
    mkdirSync(join(directory, 'bin'), { recursive: true })
    writeFileSync(join(directory, 'bin', name), text.replaceAll(/(import\('\.\.\/src\/[^']+)\.ts'\)/g, "$1.js')"), { mode: 0o755 })
  }
  for (const part of ['bpf', 'console']) cpSync(join(root, 'build', part), join(directory, 'build', part), { recursive: true })
  writeFileSync(join(directory, 'package.json'), `${JSON.stringify(publishedManifest(readManifest()), null, 2)}\n`)
  await writePrograms(directory)
}

/** What the repository's package.json says, for JavaScript. */
const publishedManifest = ({ imports, scripts: _, devDependencies: __, ...manifest }: Manifest): Manifest => ({
  ...manifest,
  imports: publishedImports(imports),
})

/** `#wire/mac.ts` is ./src/wire/mac.js. */
export const publishedImports = (imports: Manifest['imports']): Manifest['imports'] =>
  Object.fromEntries(Object.entries(imports).map(([name, path]) => [name.replace(/\*$/, '*.ts'), path.replace(/\*$/, '*.js')]))

/** Emit what a configuration of tsc includes. The tests have checked the types. */
export function emitJavaScript(outDir: string, config: string, declarations = true): void {
  const words = ['-p', join(root, config), '--outDir', outDir, '--declaration', String(declarations)]
  execFileSync(join(root, 'node_modules/.bin/tsc'), words, { stdio: ['ignore', 'inherit', 'inherit'] })
}
