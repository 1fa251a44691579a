/** `vpc libvirt hook`. */
import { readFileSync } from 'node:fs'
import { command } from '../../command.ts'
import { configOption } from '../../config-file.ts'
import { serveHook } from '../../libvirt/hook.ts'
import { surroundingOptions, surroundingsOf } from '../../libvirt/options.ts'

export default command({
  path: 'libvirt hook',
  summary: 'make and remove the interfaces of a domain, as libvirt starts and ends it',
  description: `libvirt runs this by the script /etc/libvirt/hooks/qemu.d/vpc, with the domain as XML on standard input. Before a guest
    starts, it makes the interfaces that the metadata of the domain names. When one cannot be made, the guest does not start, and libvirt
    says why. After the guest has ended, it takes them away.`,
  positionals: [
    { name: 'GUEST', help: 'name of the domain' },
    { name: 'OPERATION', help: 'what happens: prepare, release and others' },
    { name: 'MORE', help: 'further words of libvirt', isOptional: true, isRest: true },
  ],
  options: { ...surroundingOptions, config: configOption },
  examples: [{ line: 'vpc libvirt hook web1 prepare begin - < web1.xml', does: 'as libvirt does before web1 starts' }],
  async run(given, context, [, operation]) {
    const xml = await serveHook(operation!, readFileSync(0, 'utf8'), surroundingsOf(given, context))
    if (xml !== undefined) context.output.text(xml)
  },
})
