import { addMonths, differenceInCalendarDays, format, formatDistance, isValid, parseISO, startOfISOWeek } from "date-fns";
import { de } from "date-fns/locale";

/** What a calendar says of a day. */
export function dates(text: string) {
  const day = parseISO(text);
  if (!isValid(day)) return { error: `${text} is not a day` };
  const next = addMonths(day, 1);
  return {
    long: format(day, "EEEE, do MMMM yyyy"),
    german: format(day, "EEEE, d. MMMM yyyy", { locale: de }),
    week: format(startOfISOWeek(day), "RRRR-'W'II-i"),
    next: format(next, "yyyy-MM-dd"),
    days: differenceInCalendarDays(next, day),
    distance: formatDistance(next, day, { addSuffix: true }),
  };
}
