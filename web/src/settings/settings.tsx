/** Settings: who one is, how it looks, the password, where one is signed in. A new kind of setting is a section here. */
import { AppearanceChoice } from "~/theme/choice.tsx";
import { Card, Section } from "~/ui/card.tsx";
import { Page } from "~/ui/page.tsx";
import { Password } from "./password.tsx";
import { Profile } from "./profile.tsx";
import { Sessions } from "./sessions.tsx";

export function Settings() {
  return (
    <Page title="Settings" width="narrow">
      <Profile />
      <Section title="Appearance">
        <Card>
          <AppearanceChoice />
        </Card>
      </Section>
      <Password />
      <Sessions />
    </Page>
  );
}
