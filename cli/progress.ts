/** A progress bar on a terminal, and lines where the output is no terminal; it goes to stderr, so that results can be piped. */

export interface ProgressBar {
  /** Shows a step at a share from 0 to 1, with a word on it. */
  show(step: string, share: number, words?: string): void
  /** Ends the line. */
  end(): void
}

const WIDTH = 30
/** Lines are printed for each of this share. */
const LINE_SHARE = 0.1

export function createProgress(out: { readonly isTTY?: boolean; write(text: string): unknown } = process.stderr): ProgressBar {
  let lastStep = ''
  let lastShare = 0
  return {
    show(step, share, words = '') {
      const percent = `${Math.floor(share * 100)}`.padStart(3)
      if (out.isTTY === true) {
        const full = Math.round(share * WIDTH)
        out.write(`\r${step.padEnd(9)} [${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${percent} %  ${words}\x1b[K`)
      } else if (step !== lastStep || share - lastShare >= LINE_SHARE) {
        out.write(`${step} ${percent.trim()} % ${words}`.trimEnd().concat('\n'))
        lastShare = share
      }
      lastStep = step
    },
    end() {
      if (out.isTTY === true && lastStep !== '') out.write('\n')
    },
  }
}
