import { lexer, type Token, type Tokens } from 'marked'
import { type FunctionalComponent, h, type VNodeChild } from 'vue'

/**
 * The Markdown that people and agents write: paragraphs, bold, italic, struck, code, lists, quotes,
 * headings and links. Safe by how it is made: the text is read into tokens and these become elements
 * of our own, so that nothing written is ever taken as HTML. What is not understood is shown as typed.
 */
const MarkdownText: FunctionalComponent<{ text: string }> = ({ text }) =>
  h('div', { class: 'markdown' }, blocks(lexer(text, { gfm: true, breaks: true })))

MarkdownText.props = { text: { type: String, required: true } }
export default MarkdownText

function blocks(tokens: Token[] = []): VNodeChild[] {
  return tokens.map((token) => block(token))
}

function block(token: Token): VNodeChild {
  switch (token.type) {
    case 'space':
    case 'def':
      return undefined
    case 'paragraph':
      return h('p', inline(token.tokens))
    case 'heading':
      // The page has its own headings; one in a text is no part of their order.
      return h('p', { class: 'markdown-heading' }, inline(token.tokens))
    case 'code':
      // Long lines are scrolled, by keyboard as well.
      return h('pre', { tabindex: 0 }, h('code', token.text))
    case 'blockquote':
      return h('blockquote', blocks(token.tokens))
    case 'list':
      return list(token as Tokens.List)
    case 'hr':
      return h('hr')
    case 'checkbox':
      // It says where things stand, and cannot be ticked here.
      return token.checked ? '☑ ' : '☐ '
    case 'text':
      return token.tokens ? inline(token.tokens) : token.text
    default:
      return h('p', { class: 'whitespace-pre-wrap' }, token.raw.trim())
  }
}

function list({ ordered, start, items }: Tokens.List): VNodeChild {
  const rows = items.map((item) => h('li', blocks(item.tokens)))
  return ordered ? h('ol', { start: start === '' ? undefined : start }, rows) : h('ul', rows)
}

function inline(tokens: Token[] = []): VNodeChild[] {
  return tokens.map((token) => {
    switch (token.type) {
      case 'strong':
        return h('strong', inline(token.tokens))
      case 'em':
        return h('em', inline(token.tokens))
      case 'del':
        return h('del', inline(token.tokens))
      case 'codespan':
        return h('code', token.text)
      case 'br':
        return h('br')
      case 'link':
        return link(token as Tokens.Link)
      case 'escape':
        return token.text
      case 'text':
        return token.tokens ? inline(token.tokens) : token.text
      default:
        // Images and HTML among them: nothing is loaded from elsewhere.
        return token.raw
    }
  })
}

function link({ href, tokens, raw }: Tokens.Link): VNodeChild {
  if (!/^(https?:\/\/|mailto:)/i.test(href)) return raw
  return h('a', { href, target: '_blank', rel: 'noopener noreferrer nofollow' }, inline(tokens))
}
