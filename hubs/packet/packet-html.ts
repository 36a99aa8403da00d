/** The packet for an audience as a page without script, to print or to show; for engineer and agent with the picture of the evidence. Every text is escaped. */
import type { AudiencePacket } from '#kernel/audience-packet.ts'
import { escapeXml } from './evidence-svg.ts'

const STYLE = `body{font:16px/1.45 system-ui,sans-serif;max-width:52rem;margin:1rem auto;padding:0 1rem;color:#1b1b1b}
h1{font-size:1.4rem}h2{font-size:1.05rem;margin:1.2rem 0 .3rem;border-bottom:1px solid #ccc}
.safety{background:#fdecea;border-left:4px solid #b3401f;padding:.3rem .8rem}small{color:#555;display:block}svg{max-width:100%;height:auto}li{margin:.25rem 0}`

/** HTML document of a packet; `evidence` is the SVG of its evidence. */
export function packetHtml({ title, locale, work_order_id, device, sections }: AudiencePacket, evidence: string | undefined): string {
  const body = sections.map(({ id, heading, items }) => {
    const list = items.map(({ text, notes, code }) => {
      // Names of features are for programs, which read the record.
      const shown = code === undefined || id === 'evidence' ? '' : ` <code>${escapeXml(code)}</code>`
      return `<li>${escapeXml(text)}${shown}${notes.map((note) => `<small>${escapeXml(note)}</small>`).join('')}</li>`
    })
    const tag = id === 'steps' ? 'ol' : 'ul'
    const picture = id === 'evidence' && evidence !== undefined ? evidence : ''
    return `<section class="${escapeXml(id)}"><h2>${escapeXml(heading)}</h2><${tag}>${list.join('')}</${tag}>${picture}</section>`
  })
  return [
    `<!doctype html><html lang="${locale}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">`,
    `<title>${escapeXml(title)}</title><style>${STYLE}</style></head><body><h1>${escapeXml(title)}</h1>`,
    `<small>${escapeXml(work_order_id)} · ${escapeXml(device)}</small>`,
    ...body,
    '</body></html>',
  ].join('\n')
}
