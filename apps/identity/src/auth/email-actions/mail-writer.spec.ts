import { describe, expect, it } from '@jest/globals';
import { asHtml, asText } from './mail-writer.js';

const EVIL = `<script>alert("x")</script>&'`;
const ESCAPED = '&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;';

describe('a mail', () => {
  const content = {
    subject: EVIL,
    before: [EVIL],
    link: { label: EVIL, url: `https://example.com/?a=${EVIL}` },
    after: [EVIL],
    signature: EVIL,
  };

  it('mail has everything escaped in HTML', () => {
    const html = asHtml(content);
    expect(html).not.toMatch(/<script|alert\("/);
    // Title, two paragraphs, label, signature; the address in the link and below it.
    expect(html.split(ESCAPED)).toHaveLength(8);
    expect(html).toContain(`href="https://example.com/?a=${ESCAPED}"`);
  });

  it('mail has everything as it is in plain text, the link on a line of its own', () => {
    expect(asText(content)).toBe(['Hello,', EVIL, content.link.url, EVIL, EVIL].join('\n\n').concat('\n'));
  });

  it('mail has no link where there is none', () => {
    const { link: _link, ...notice } = content;
    expect(asHtml(notice)).not.toMatch(/<a |href/);
    expect(asText(notice)).not.toContain('http');
  });
});
