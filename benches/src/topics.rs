//! What the generated customers write about, and the articles that answer some of it.

/// A kind of request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Topic {
    pub(crate) key: &'static str,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    /// Opening questions of customers; the first ones are answered by an article.
    pub(crate) questions: &'static [&'static str],
    /// Sentences with which they go on.
    pub(crate) details: &'static [&'static str],
}

/// An article of the knowledge base.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Article {
    pub(crate) slug: &'static str,
    pub(crate) topic: &'static str,
    pub(crate) title: &'static str,
    pub(crate) body: &'static str,
}

/// The topics.
pub(crate) const TOPICS: &[Topic] = &[
    Topic {
        key: "billing",
        name: "Billing",
        description: "Invoices, refunds, payments, credit cards and prices",
        questions: &[
            "How do I get a refund for my last invoice?",
            "Where can I download the invoices of this year?",
            "Can I pay by bank transfer instead of credit card?",
            "Why was my credit card charged twice this month?",
        ],
        details: &[
            "The invoice shows two positions that we never ordered.",
            "Our accounting needs the document before the end of the month.",
            "The payment was taken from the card yesterday evening.",
            "Please tell us which price applies to the new contract.",
        ],
    },
    Topic {
        key: "login",
        name: "Login",
        description: "Passwords, sign in, locked accounts and two-factor codes",
        questions: &[
            "How do I reset my password?",
            "My account is locked, how can I unlock it?",
            "How do I move the two-factor codes to a new phone?",
            "The sign in page says that my address is unknown, what now?",
        ],
        details: &[
            "The page says that the password is wrong, although I changed it today.",
            "I have a new phone and the old one is gone.",
            "Two of my colleagues see the same message when they sign in.",
            "The link in the mail had expired when I opened it.",
        ],
    },
    Topic {
        key: "shipping",
        name: "Shipping",
        description: "Parcels, delivery, tracking, customs and damaged goods",
        questions: &[
            "Where is my parcel and how can I track it?",
            "How do I change the delivery address of an order?",
            "What do I do when the goods arrive damaged?",
            "Do I have to pay customs for a delivery from abroad?",
        ],
        details: &[
            "The tracking page has not changed for four days.",
            "The box was open and one of the glasses is broken.",
            "We moved last week and the parcel goes to the old address.",
            "The driver left a card, but the shop does not know the number.",
        ],
    },
    Topic {
        key: "data",
        name: "Data",
        description: "Export, import, backups, deletion of personal data and storage limits",
        questions: &[
            "How do I export all my data?",
            "How can I have my personal data deleted?",
            "How do I restore a backup of last week?",
            "Is there a limit for the storage of attachments?",
        ],
        details: &[
            "The export stops at a file of two gigabytes.",
            "Our data protection officer asks for a confirmation in writing.",
            "A colleague deleted a project that we still need.",
            "The import reports a line with an unknown column.",
        ],
    },
];

/// The knowledge base.
pub(crate) const ARTICLES: &[Article] = &[
    Article {
        slug: "refunds",
        topic: "billing",
        title: "How do I get a refund for an invoice?",
        body: "# How do I get a refund for an invoice?\n\nTo get a refund for an invoice, open Billing, choose the invoice and press \"Ask for a refund\". Refunds are paid to the card or account that paid the invoice, within five working days.\n\n## After thirty days\n\nAn invoice older than thirty days is refunded as a credit note.\n",
    },
    Article {
        slug: "invoices",
        topic: "billing",
        title: "Where can I download my invoices?",
        body: "# Where can I download my invoices?\n\nYou can download the invoices of every year under Billing, Documents. Each invoice is a PDF; the button \"All of a year\" packs the invoices of a year into one archive.\n",
    },
    Article {
        slug: "bank-transfer",
        topic: "billing",
        title: "Can I pay by bank transfer?",
        body: "# Can I pay by bank transfer?\n\nYou can pay by bank transfer instead of credit card if you pay for a whole year. Choose \"Bank transfer\" under Billing, Payment; the account is on the invoice.\n",
    },
    Article {
        slug: "reset-password",
        topic: "login",
        title: "How do I reset my password?",
        body: "# How do I reset my password?\n\nTo reset your password, press \"Forgot password\" on the sign in page and enter your address. The mail with the link arrives within two minutes; the link to reset the password works for one hour.\n",
    },
    Article {
        slug: "locked-account",
        topic: "login",
        title: "How can I unlock a locked account?",
        body: "# How can I unlock a locked account?\n\nAn account is locked after ten wrong passwords. A locked account unlocks by itself after thirty minutes; an administrator can unlock the account at once under Users.\n",
    },
    Article {
        slug: "two-factor",
        topic: "login",
        title: "How do I move two-factor codes to a new phone?",
        body: "# How do I move two-factor codes to a new phone?\n\nTo move the two-factor codes to a new phone, open Security, press \"New phone\" and scan the code with the new phone. Without the old phone, use one of the ten recovery codes.\n",
    },
    Article {
        slug: "track-parcel",
        topic: "shipping",
        title: "Where is my parcel, and how can I track it?",
        body: "# Where is my parcel, and how can I track it?\n\nYou can track your parcel with the number in the mail that says that it left. Enter the tracking number under Orders, Track a parcel. A parcel whose tracking has not changed for seven days is searched for.\n",
    },
    Article {
        slug: "change-address",
        topic: "shipping",
        title: "How do I change the delivery address?",
        body: "# How do I change the delivery address?\n\nYou can change the delivery address of an order until it is packed: open the order and press \"Change address\". After that, the carrier can redirect the parcel.\n",
    },
    Article {
        slug: "damaged-goods",
        topic: "shipping",
        title: "What do I do when goods arrive damaged?",
        body: "# What do I do when goods arrive damaged?\n\nWhen goods arrive damaged, keep the box and send us photos within fourteen days. We send a replacement for damaged goods the next working day.\n",
    },
    Article {
        slug: "export",
        topic: "data",
        title: "How do I export all my data?",
        body: "# How do I export all my data?\n\nTo export all your data, open Settings, Data and press \"Export\". The export is one archive with a JSON file per kind; you get a mail when the export is ready.\n",
    },
    Article {
        slug: "delete-data",
        topic: "data",
        title: "How can I have my personal data deleted?",
        body: "# How can I have my personal data deleted?\n\nTo have your personal data deleted, write to us from the address of your account. Personal data is deleted within thirty days and you get a confirmation in writing.\n",
    },
    Article {
        slug: "restore-backup",
        topic: "data",
        title: "How do I restore a backup?",
        body: "# How do I restore a backup?\n\nTo restore a backup, open Settings, Backups, choose a day and press \"Restore\". Backups of the last thirty days can be restored; the present state is kept as a backup, too.\n",
    },
];
