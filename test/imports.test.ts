/** Holds the arrows of ARCHITECTURE.md: who may import whom. */
import assert from 'node:assert/strict'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { filesBelow, importsByVariable, importsOf, root, textOf } from './sources.ts'

/** Folders of src that the sources of each may import, besides their own. What is not here is forbidden. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  wire: [],
  abi: ['wire'],
  system: [],
  kernel: ['abi', 'wire'],
  datapath: ['kernel', 'abi', 'wire'],
  object: ['datapath', 'system', 'abi', 'wire'],
  daemon: ['object', 'datapath', 'kernel', 'system', 'abi', 'wire'],
  client: ['abi', 'wire'],
  resource: ['abi', 'wire'],
  feed: ['system', 'abi', 'wire'],
  agent: ['client', 'feed', 'system', 'abi', 'wire'],
  cli: ['client', 'feed', 'resource', 'system', 'abi', 'wire'],
  cni: ['cli', 'client', 'resource', 'system', 'abi', 'wire'],
  docker: ['cni', 'cli', 'client', 'feed', 'resource', 'system', 'abi', 'wire'],
  oci: ['cni', 'cli', 'client', 'system', 'abi', 'wire'],
  lab: ['client', 'system', 'abi', 'wire'],
  cluster: ['lab', 'abi', 'wire'],
  services: ['kernel', 'system', 'abi', 'wire'],
  launch: ['kernel', 'system', 'abi', 'wire'],
  vm: ['client', 'launch', 'system', 'abi', 'wire'],
  control: ['resource', 'feed', 'metrics', 'system', 'abi', 'wire'],
  metrics: [],
  capture: ['abi', 'wire'],
  'flow-log': ['client', 'feed', 'system', 'abi', 'wire'],
  exporter: ['metrics', 'agent', 'client', 'feed', 'system', 'abi', 'wire'],
}

/** Seams: single files that start another half. */
const seams: readonly (readonly [file: RegExp, folder: string])[] = [
  [/^src\/cli\/commands\/daemon\.ts$/, 'daemon'],
  [/^src\/cli\/commands\/docker-driver\.ts$/, 'docker'],
  [/^src\/cli\/commands\/doctor\.ts$/, 'daemon'],
  [/^src\/cli\/commands\/agent\/[a-z-]+\.ts$/, 'agent'],
  [/^src\/cli\/this-host\.ts$/, 'agent'],
  [/^src\/cli\/commands\/join\.ts$/, 'agent'],
  [/^src\/cli\/commands\/exporter\.ts$/, 'exporter'],
  [/^src\/cli\/commands\/capture\.ts$/, 'capture'],
  [/^src\/cli\/commands\/flow\/log\.ts$/, 'flow-log'],
  [/^src\/cli\/commands\/(api|issuer)\.ts$/, 'control'],
  [/^src\/cli\/commands\/mux\/probe\.ts$/, 'daemon'],
  [/^src\/cli\/commands\/lab\/[a-z-]+\.ts$/, 'lab'],
  [/^src\/cli\/(commands\/db\/[a-z-]+|with-store)\.ts$/, 'control'],
  [/^src\/cli\/(cluster-host|commands\/cluster\/[a-z-]+)\.ts$/, 'cluster'],
  [/^src\/cli\/(lab-failure|cluster-host)\.ts$/, 'lab'],
  [/^src\/cli\/commands\/vm\/([a-z-]+\/)?[a-z-]+\.ts$/, 'vm'],
  [/^src\/cli\/vm-[a-z-]+\.ts$/, 'vm'],
  [/^src\/cli\/commands\/(vmnic\/)?exec\.ts$/, 'launch'],
  [/^src\/cli\/vmnic-owner\.ts$/, 'launch'],
]

/** What tests beside the sources may import besides: mostly a real other half to speak to. */
const testArrows: Readonly<Record<string, readonly string[]>> = {
  datapath: [],
  object: ['kernel'],
  daemon: ['client'],
  client: ['daemon', 'object', 'datapath', 'kernel'],
  cli: ['daemon', 'object', 'datapath', 'kernel', 'lab'],
  lab: ['daemon'],
  launch: [],
  vm: [],
  feed: [],
  agent: ['daemon', 'object', 'datapath', 'kernel', 'control', 'resource'],
  control: [],
}

/** npm packages, and the only folders that may import them. */
const packages: Readonly<Record<string, readonly string[]>> = {
  koffi: ['kernel', 'bench'],
  yaml: ['lab', 'system'],
  '@grpc/grpc-js': ['control'],
  protobufjs: ['control'],
  hono: ['control'],
  '@hono/node-server': ['control'],
  // vpc doc schema alone loads what says how outputs look.
  zod: ['control', 'cli/schema'],
  'prom-client': ['control'],
  '@peculiar/x509': ['control'],
  'reflect-metadata': ['control'],
  preact: ['console'],
  esbuild: ['scripts'],
  marked: ['scripts'],
  'playwright-core': [],
}

/** What answers of the API are, and how drops among them are read: for whoever reads them. */
const answers: readonly string[] = [
  '#control/path/answer.ts',
  '#control/path/matrix.ts',
  '#feed/counters.ts',
  '#feed/drop-ends.ts',
  '#abi/drop-words.ts',
  '#cli/console/questions.ts',
]

const isTest = (file: string): boolean => file.endsWith('.test.ts')
const sources = filesBelow('src', 'bin', 'console', 'test', 'bench', 'scripts').filter((file) => /\.(tsx?|mjs)$/.test(file))
const folderOf = (file: string): string => (file.startsWith('src/') ? file.split('/')[1]! : file.split('/')[0]!)

/** Why this file may not have this import; undefined when it may. */
function objection(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('node:')) return file.startsWith('src/wire/') && !isTest(file) ? 'wire imports nothing' : undefined
  if (/^(console|src\/cli)\//.test(file) && answers.includes(specifier)) return undefined
  if (specifier.startsWith('#')) return folderObjection(file, specifier.slice(1).split('/')[0]!)
  if (specifier.startsWith('.')) return relativeObjection(file, specifier)
  const allowed = packages[/^(@[^/]+\/)?[^/]+/.exec(specifier)![0]]
  const inTest = isTest(file) || file.startsWith('test/')
  if (specifier === 'fast-check' || specifier.startsWith('fast-check/')) return inTest ? undefined : 'for tests alone'
  if (allowed === undefined) return 'this package is not on the list'
  const isAllowed = allowed.some((folder) => folder === folderOf(file) || file.startsWith(`src/${folder}/`))
  return inTest || isAllowed ? undefined : `only ${allowed.join(' and ')} may`
}

function folderObjection(file: string, target: string): string | undefined {
  const folder = folderOf(file)
  if (folder === target) return 'inside a folder, import by ./'
  if (arrows[target] === undefined) return `there is no src/${target} on the list`
  // Tests, measurements and scripts stand outside the halves and may look into each; bin starts the command.
  if (['test', 'bench', 'scripts'].includes(folder)) return undefined
  if (folder === 'bin') return ['cli', 'cni', 'oci'].includes(target) ? undefined : 'bin starts src/cli, src/cni and src/oci alone'
  // A browser runs it: tables of kinds, and what loads nothing of Node.
  if (folder === 'console') return target === 'resource' ? undefined : `no arrow from console to ${target}`
  if (arrows[folder]?.includes(target)) return undefined
  if (isTest(file) && testArrows[folder]?.includes(target)) return undefined
  if (seams.some(([seam, to]) => seam.test(file) && to === target)) return undefined
  return `no arrow from ${folder} to ${target}`
}

function relativeObjection(file: string, specifier: string): string | undefined {
  const target = relative(root, join(root, dirname(file), specifier))
  if (!/\.(tsx?|mjs|json|node)$/.test(specifier)) return 'a relative import names its file, with .ts'
  if (folderOf(target) === folderOf(file)) return undefined
  if (file.startsWith('bin/') && /^src\/(cli|cni|oci)\//.test(target)) return undefined
  if (isTest(file) && target.startsWith('test/')) return undefined
  // The version, and the command as a program of its own.
  if (target === 'package.json' || /^bin\/vpc(-cni|-oci-hook|-netavark)?\.mjs$/.test(target)) return undefined
  // Measurements use what tests have to make hosts.
  if (file.startsWith('bench/') && /^(test|scripts)\//.test(target)) return undefined
  // Programs that a test starts are files.
  if (file.startsWith('test/') && /^(src|scripts|bench|console)\//.test(target)) return undefined
  // The build makes the pages that the console shows.
  if (file === 'scripts/console-pages.ts' && target === 'console/doc-page.ts') return undefined
  return target.startsWith('src/') ? `across folders, import by #${target.slice(4)}` : `leaves its folder for ${target}`
}

test('every import follows an arrow', () => {
  const found = sources.flatMap((file) =>
    importsOf(textOf(file)).flatMap((specifier) => {
      const why = objection(file, specifier)
      return why === undefined ? [] : [`${file}: '${specifier}': ${why}`]
    }),
  )
  assert.deepEqual(found, [])
})

test('nothing is imported by a name made at run time, but commands and in tests', () => {
  const allowed = /^(src\/cli\/|test\/|bench\/|scripts\/|bin\/)|\.test\.ts$/
  assert.deepEqual(
    sources.filter((file) => importsByVariable(textOf(file)) && !allowed.test(file)),
    [],
  )
})

test('the arrows have no circle', () => {
  const below = (folder: string, path: readonly string[]): void => {
    assert.ok(!path.includes(folder), `${[...path, folder].join(' → ')}`)
    for (const next of arrows[folder]!) below(next, [...path, folder])
  }
  for (const folder of Object.keys(arrows)) below(folder, [])
})

test('no files of src import each other in a circle, types included', () => {
  const files = sources.filter((file) => file.startsWith('src/') && !isTest(file))
  const imports = new Map(files.map((file) => [file, importsOf(textOf(file)).map((specifier) => fileOf(file, specifier))]))
  assert.deepEqual(circles(imports), [])
})

/** The file that an import names, as a path from the root. */
const fileOf = (file: string, specifier: string): string =>
  specifier.startsWith('#') ? `src/${specifier.slice(1)}` : specifier.startsWith('.') ? join(dirname(file), specifier) : specifier

/** Circles that a walk of the imports meets, one for each file that closes one. */
function circles(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>()
  const path: string[] = []
  const found: string[] = []
  const walk = (file: string): void => {
    const at = path.indexOf(file)
    if (at >= 0) return void found.push([...path.slice(at), file].join(' → '))
    if (done.has(file)) return
    path.push(file)
    for (const next of imports.get(file) ?? []) walk(next)
    path.pop()
    done.add(file)
  }
  for (const file of imports.keys()) walk(file)
  return found
}

test('a circle is found', () => {
  const imports = new Map([
    ['a', ['b']],
    ['b', ['c', 'node:fs']],
    ['c', ['b']],
    ['d', ['a']],
  ])
  assert.deepEqual(circles(imports), ['b → c → b'])
})

test('every folder of src is on the list, and in package.json', () => {
  const folders = new Set(filesBelow('src').map(folderOf))
  const imports = JSON.parse(textOf('package.json')).imports as Record<string, string>
  for (const folder of folders) {
    assert.ok(arrows[folder] !== undefined, `src/${folder}`)
    assert.equal(imports[`#${folder}/*`], `./src/${folder}/*`)
  }
})

test('imports are found in all their forms', () => {
  const text = [
    `import a, { b } from '#one/x.ts'`,
    `import type {\n  C,\n} from "./two.ts"`,
    `import 'three'`,
    `export { d } from './four.ts'`,
    `const e = await import('#wire/x.ts')`,
    `new Worker(new URL('./six.ts', import.meta.url))`,
    `export const from = 'seven'`,
  ].join('\n')
  assert.deepEqual(importsOf(text).sort(), ['#wire/x.ts', '#one/x.ts', './four.ts', './six.ts', './two.ts', 'three'].sort())
  assert.equal(importsByVariable('await import(path)'), true)
  assert.equal(importsByVariable(`await import('./x.ts')`), false)
})

test('a wrong arrow is objected to', () => {
  assert.match(objection('src/cli/main.ts', '#kernel/bpf.ts')!, /no arrow from cli to kernel/)
  assert.match(objection('src/object/host.ts', '#kernel/bpf.ts')!, /no arrow from object to kernel/)
  assert.match(objection('src/client/vpc.ts', '../daemon/main.ts')!, /across folders/)
  assert.match(objection('src/wire/mac.ts', 'node:net')!, /imports nothing/)
  assert.match(objection('src/cli/main.ts', 'koffi')!, /only kernel/)
  assert.match(objection('src/cli/commands/list.ts', '#daemon/main.ts')!, /no arrow/)
  assert.equal(objection('src/cli/commands/daemon.ts', '#daemon/main.ts'), undefined)
})
