import type { FC } from "hono/jsx";

export const Page: FC<{ title: string; notes: string[] }> = ({ title, notes }) => (
  <html>
    <body>
      <h1>{title}</h1>
      <ul>{notes.map((n) => <li>{n}</li>)}</ul>
    </body>
  </html>
);
