import { Page } from "./page";

export const page = (title: string, notes: string[]) => <Page title={title} notes={notes} />;
