/** `vpc vm image import`. */
import { existsSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { diskFormats } from '#vm/definition.ts'
import { command } from '../../../command.ts'
import { usageFailure } from '../../../failure.ts'
import { choice, text } from '../../../option.ts'
import { alreadySo, done } from '../../../outcome.ts'
import { chosenFormat } from '../../../vm-definition.ts'
import { tellingVmErrors } from '../../../vm-failure.ts'
import { imageDir, imagesOf } from '../../../vm-options.ts'

export default command({
  path: 'vm image import',
  summary: 'keep a disk image under a name',
  description: `Copies a file of this host, such as a cloud image of a distribution. vpc vm create --image=NAME makes machines of it. Its
    name is that of the file without its ending, in lower case, unless --name says another one. Repeated with the same file, it changes
    nothing.`,
  positionals: [{ name: 'FILE', help: 'the image, qcow2 or raw' }],
  options: {
    name: text('its name', 'NAME').defaultsTo("the file's"),
    diskFormat: choice('format of the image', diskFormats).defaultsTo("by the name's ending"),
    imageDir,
  },
  examples: [{ line: 'vpc vm image import debian-13-genericcloud-amd64.qcow2 --name=debian-13', does: 'keep a cloud image as debian-13' }],
  async run({ name, diskFormat, imageDir: directory }, { output }, [file]) {
    const images = imagesOf(directory)
    if (!existsSync(file!)) throw usageFailure(`there is no file ${file}`)
    if (statSync(file!).isDirectory()) throw usageFailure(`${file} is a directory`)
    const format = chosenFormat(file!, diskFormat)
    const called =
      name ??
      basename(file!)
        .replace(/\.[^.]*$/, '')
        .toLowerCase()
    const isNew = await tellingVmErrors(() => images.add(called, file!, format))
    const value = { image: images.find(called)! }
    if (isNew) done(output, `imported image ${called}; make machines of it with vpc vm create --image=${called}`, value)
    else alreadySo(output, `image ${called} has this content`, value)
  },
})
