use super::*;

fn reply(text: &str) -> &str {
    newest_reply(text).text(text)
}

#[track_caller]
fn replies_first(reply_text: &str, past: &str) {
    let full = format!("{reply_text}\n\n{past}\n");
    assert_eq!(reply(&full), reply_text, "{past}");
}

#[test]
fn attributions_of_many_languages_end_the_reply() {
    let quote = "> Which version do you use?\n> Ann";
    for attribution in [
        "On Tue, 3 Mar 2026 at 10:12, Ann Lee <ann@example.com> wrote:",
        "On 2026-03-03 10:12, ann@example.com wrote:",
        "On Tue, 3 Mar 2026 at 10:12, Ann with a very long name indeed\n<ann.with.a.long.address@support.example.com> wrote:",
        "On Tue, 3 Mar 2026 at\n10:12, Ann with a very long name indeed <\nann.long@support.example.com> wrote:",
        "Am 03.03.2026 um 10:12 schrieb Ann Lee:",
        "Am Di., 3. März 2026 um 10:12 Uhr schrieb Ann Lee <ann@example.com>:",
        "Le mar. 3 mars 2026 à 10:12, Ann Lee <ann@example.com> a écrit :",
        "El mar, 3 mar 2026 a las 10:12, Ann Lee (<ann@example.com>) escribió:",
        "Il giorno mar 3 mar 2026 alle ore 10:12 Ann Lee <ann@example.com> ha scritto:",
        "Em ter., 3 de mar. de 2026 às 10:12, Ann Lee <ann@example.com> escreveu:",
        "Op di 3 mrt 2026 om 10:12 schreef Ann Lee <ann@example.com>:",
        "Den tis 3 mars 2026 kl 10:12 skrev Ann Lee <ann@example.com>:",
        "tir. 3. mar. 2026 kl. 10.12 skrev Ann Lee <ann@example.com>:",
        "ti 3. maalisk. 2026 klo 10.12 Ann Lee (ann@example.com) kirjoitti:",
        "wt., 3 mar 2026 o 10:12 Ann Lee <ann@example.com> napisał(a):",
        "út 3. 3. 2026 v 10:12 odesílatel Ann Lee <ann@example.com> napsal:",
        "вт, 3 мар. 2026 г. в 10:12, Ann Lee <ann@example.com>:",
        "3 марта 2026 г., 10:12, Ann Lee <ann@example.com> написал(а):",
        "вт, 3 бер. 2026 р. о 10:12 Ann Lee <ann@example.com> пише:",
        "Ann Lee <ann@example.com>, 3 Mar 2026 Sal, 10:12 tarihinde şunu yazdı:",
        "Ann Lee <ann@example.com> ezt írta (időpont: 2026. márc. 3., K, 10:12):",
        "În mar., 3 mar. 2026 la 10:12, Ann Lee <ann@example.com> a scris:",
        "Στις Τρί 3 Μαρ 2026 στις 10:12, ο χρήστης Ann Lee <ann@example.com> έγραψε:",
        "2026年3月3日(火) 10:12 Ann Lee <ann@example.com>:",
        "Ann Lee <ann@example.com> 于2026年3月3日周二 10:12写道：",
        "2026년 3월 3일 (화) 오전 10:12, Ann Lee <ann@example.com>님이 작성:",
        "*On Tue, 3 Mar 2026, Ann wrote:*",
    ] {
        replies_first("We use 0.4.", &format!("{attribution}\n{quote}"));
        replies_first("We use 0.4.", &format!("{attribution}\n\nWhich version do you use?"));
    }
}

#[test]
fn original_message_lines_and_header_blocks_end_the_reply() {
    for past in [
        "-----Original Message-----\nFrom: Ann\nold",
        "-------- Ursprüngliche Nachricht --------\nVon: Ann\nalt",
        "----- Mensaje original -----\nviejo",
        "-----Message d'origine-----\nvieux",
        "_____________\nFrom: Ann\nSubject: Re: x\n\nold",
        "________________________________\nFrom: Ann <ann@example.com>\nSent: Tuesday\nTo: Bob\nSubject: Re: x\n\nold",
        "*Von:* Ann\n*Gesendet:* Dienstag\n*An:* Bob\n*Betreff:* AW: x\n\nalt",
        "De : Ann <ann@example.com>\nEnvoyé : mardi 3 mars 2026\nÀ : Bob\nObjet : Re: x\n\nvieux",
        "发件人: Ann\n发送时间: 2026-03-03\n收件人: Bob\n主题: x\n\n旧",
        "Begin forwarded message:\n\nFrom: Ann\nSubject: x\nDate: y\nTo: z\n\nold",
    ] {
        replies_first("Thanks, solved.", past);
    }
}

#[test]
fn own_delimiter_ends_the_reply() {
    replies_first(
        "Yes.",
        &format!("On 3 Mar 2026 at 10:00, Desk <d@example.com> wrote:\n{REPLY_DELIMITER}\nold"),
    );
    replies_first("Yes.", &format!("{REPLY_DELIMITER}\nold"));
    replies_first("Yes.", "=== Please reply ABOVE this line ===\nold");
    let mention = "Your mails say \"reply above this line\".\nI wrote below it.";
    assert_eq!(reply(mention), mention);
}

#[test]
fn signatures_are_left_out_whatever_stands_above() {
    replies_first("It works.\n\nBest,\nBob", "-- \nBob Miller\nExample Ltd.");
    replies_first("It works.", "Sent from my iPhone");
    replies_first("It works.", "Von meinem Telefon gesendet");
    replies_first("It works.", "--\nBob\n\nOn 3 Mar 2026 at 10:00, Ann <a@example.com> wrote:\n> old");
    replies_first(
        "It works.",
        "Envoyé de mon iPhone\n\nLe 3 mars 2026 à 10:00, Ann <a@example.com> a écrit :\n> vieux",
    );
    replies_first("It works.", "On 3 Mar 2026 at 10:00, Ann <a@example.com> wrote:\n> old\n\n-- \nBob");
    replies_first("It works.", "_______________\nusers mailing list\nusers@example.org");
}

#[test]
fn reply_below_the_quotation_is_found() {
    let text = "On 3 Mar 2026 at 10:00, Ann <a@example.com> wrote:\n> Which version?\n\n0.4, on Linux.\n";
    assert_eq!(reply(text), "0.4, on Linux.");
}

#[test]
fn answers_between_quotations_stay_whole() {
    let text = "Hi Ann,\n\nOn 3 Mar 2026 at 10:00, Ann <a@example.com> wrote:\n> Which version?\n\n0.4\n\n> Which system?\n\nLinux";
    assert_eq!(reply(text), text);
    let bare = "> Which version?\n0.4\n> Which system?\nLinux";
    assert_eq!(reply(bare), bare);
}

#[test]
fn a_wrapped_quotation_is_no_answer() {
    let text = "Done.\n\nOn 3 Mar 2026 at 10:00, Ann <a@example.com> wrote:\n\
        > Could you please tell us which version of the library it is that you are\nusing there?\n> Thanks";
    assert_eq!(reply(text), "Done.");
}

#[test]
fn ordinary_text_is_left_alone() {
    for text in [
        "On Monday I wrote a migration.\n\nIt failed with:\n\nerror: table exists\n\nWhat now?",
        "Steps:\n\n1. open\n2. commit\n\nResult:\n----------\nnothing\n----------\nplease help",
        "| a | b |\n|---|---|\n| 1 | 2 |\n\nis this table right?",
        "From my phone I can log in, from the laptop I cannot.",
        "The docs say:\n\n> a commit is one call\n\nbut I need two. How?",
        "Heading\n=======\n\ntext below the heading",
        "From: Berlin\nTo: Paris\n\nis the route that fails",
        "Von meinem Rechner aus geht es nicht.",
        "He wrote: \"it works\".\nI doubt it.",
    ] {
        assert_eq!(reply(text), text);
    }
}

#[test]
fn an_empty_result_shows_everything() {
    for text in [
        "> only a quotation",
        "-- \nBob",
        "Sent from my iPhone",
        "On 3 Mar 2026, Ann <a@example.com> wrote:\n> old",
        "a",
        "",
    ] {
        assert_eq!(reply(text), text);
    }
    assert_eq!(reply("\n\n  \n"), "");
}

#[test]
fn ranges_lie_on_lines_and_say_whether_they_trim() {
    let text = "\r\nJa, geht.\r\n\r\nAm 03.03.2026 um 10:12 schrieb Ann:\r\n> läuft es?\r\n";
    let found = newest_reply(text);
    assert_eq!(found.text(text), "Ja, geht.");
    assert!(found.is_trimmed());
    assert!(!newest_reply("Ja, geht.").is_trimmed());
}

#[test]
fn long_and_repetitive_texts_cost_linear_time() {
    let started = std::time::Instant::now();
    for unit in
        ["> q\n", "On x\n", "a <b\n", "From: a\n", "--\n", "wrote:\n", "1 <@ 2026\n", "\n", "- - -", "x"]
    {
        let text = unit.repeat(262_144 / unit.len());
        let found = newest_reply(&text);
        assert!(found.range().end <= text.len());
    }
    assert!(started.elapsed() < std::time::Duration::from_mins(1), "{:?}", started.elapsed());
}
