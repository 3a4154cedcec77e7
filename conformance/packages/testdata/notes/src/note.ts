import { z } from "zod";

export const Note = z.object({
  title: z.string().trim().min(1).max(40),
  tags: z.array(z.string().regex(/^[\p{L}\d-]+$/u)).max(3).default([]),
  due: z.iso.datetime().optional(),
  priority: z.enum(["low", "high"]).default("low"),
});

export type Note = z.infer<typeof Note>;

export const Query = z.object({
  limit: z.coerce.number().int().positive().max(100).default(10),
  tag: z.string().optional(),
});
