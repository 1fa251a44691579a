/** `vpc vm image destroy`. */
import { command } from '../../../command.ts'
import { alreadySo, done } from '../../../outcome.ts'
import { imageDir, imagesOf } from '../../../vm-options.ts'

export default command({
  path: 'vm image destroy',
  summary: 'remove an image',
  description: 'Machines that were made of it have copies, and stay. If there is no such image, nothing changes.',
  positionals: [{ name: 'IMAGE', help: 'its name' }],
  options: { imageDir },
  examples: [{ line: 'vpc vm image destroy debian-12', does: 'remove the image debian-12' }],
  async run({ imageDir: directory }, { output }, [name]) {
    if (imagesOf(directory).destroy(name!)) done(output, `removed image ${name}`)
    else alreadySo(output, `there is no image ${name}`)
  },
})
