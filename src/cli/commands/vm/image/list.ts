/** `vpc vm image list`. */
import { command } from '../../../command.ts'
import { imageDir, imagesOf } from '../../../vm-options.ts'

const mib = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`

export default command({
  path: 'vm image list',
  summary: 'list the images that machines are made of',
  options: { imageDir },
  examples: [{ line: 'vpc vm image list', does: 'every image with its format, the size of its disk, and of its file' }],
  async run({ imageDir: directory }, { output }) {
    const images = imagesOf(directory).list()
    output.result(images, {
      columns: ['NAME', 'FORMAT', { title: 'DISK', align: 'right' }, { title: 'FILE', align: 'right' }],
      rows: images.map(({ name, format, virtualBytes, fileBytes }) => [name, format, mib(virtualBytes), mib(fileBytes)]),
    })
  },
})
