//! The knowledge base: articles for their readers, revisions for staff, chunks of the current revision.

use crate::{
    access::{Actor, ArticleVisibility, Scope},
    conformance::{
        Backend,
        rig::{assert_conflict, walk_every_size},
        world::World,
    },
    id::{ArticleId, ChunkId, UserId},
    knowledge::{
        self, Article, ArticleChange, ArticleFilter, ArticleSpec, ArticleState, Chunk, FeedbackTarget,
        FeedbackTotals, Revision,
    },
    page::PageRequest,
    text::{Body, Key, Language, Subject},
};

fn spec(slug: &str, visibility: ArticleVisibility) -> ArticleSpec {
    ArticleSpec {
        slug: Key::new(slug).unwrap(),
        title: Subject::new("How to 𝕏").unwrap(),
        body: Body::new("# One\nÄ text.\n\n## Two\nAnother.\r\n").unwrap(),
        category: None,
        visibility,
        language: None,
    }
}

/// An article as it stands in the store, with its revisions and chunks.
#[derive(Debug, Clone)]
struct Kept {
    article: Article,
    revisions: Vec<Revision>,
    chunks: Vec<Chunk>,
}

fn stored(article: &Article) -> Article {
    Article { version: article.version.next(), ..article.clone() }
}

async fn write(world: &World, spec: ArticleSpec, state: ArticleState) -> Kept {
    let stamp = world.stamp();
    let author = Actor::admin(world.tenant, world.stamp().id());
    let (written, revision) = knowledge::write(&author, world.tenant, spec, &stamp).unwrap();
    let made = written
        .and_then(|article| {
            Ok::<_, knowledge::ArticleRefusal>(knowledge::change_state(article, state, &stamp))
        })
        .unwrap();
    let chunks = knowledge::cut(&made.state, &stamp);
    let kept =
        Kept { article: stored(&made.state), revisions: vec![revision.clone()], chunks: chunks.clone() };
    let set = world.plan_at(&stamp, |set, stamp| {
        let article = made.state.clone();
        set.article(made, stamp).revision(revision).chunks(&article, chunks);
    });
    world.store.commit(&set).await.expect("the article is written");
    kept
}

async fn reword(world: &World, kept: &Kept, body: &str) -> Kept {
    let stamp = world.stamp();
    let change = ArticleChange {
        body: Some(Body::new(body).unwrap()),
        category: Some(Key::new("billing").unwrap()),
        visibility: Some(ArticleVisibility::Internal),
        language: Some(Language::new("de").unwrap()),
        ..ArticleChange::default()
    };
    let (edited, revision) = knowledge::edit(&world.system(), kept.article.clone(), change, &stamp).unwrap();
    let revision = revision.expect("a new text is a revision");
    let chunks = knowledge::cut(&edited.state, &stamp);
    let mut next = Kept { article: stored(&edited.state), chunks: chunks.clone(), ..kept.clone() };
    next.revisions.push(revision.clone());
    let set = world.plan_at(&stamp, |set, stamp| {
        let article = edited.state.clone();
        set.article(edited, stamp).revision(revision).chunks(&article, chunks);
    });
    world.store.commit(&set).await.expect("the article is changed");
    next
}

async fn articles(world: &World, scope: &Scope, filter: &ArticleFilter) -> Vec<Article> {
    walk_every_size(|page: PageRequest| async move { world.store.articles(scope, filter, &page).await }).await
}

async fn revisions(world: &World, scope: &Scope, article: ArticleId) -> Vec<Revision> {
    walk_every_size(|page: PageRequest| async move { world.store.revisions(scope, article, &page).await })
        .await
}

fn ids(chunks: &[Chunk]) -> Vec<ChunkId> {
    chunks.iter().map(|chunk| chunk.id).collect()
}

/// C1: an article reads back by id and short name; new chunks replace all earlier ones; revisions only grow.
pub async fn c1_new_chunks_replace_all_earlier_ones(backend: Backend) {
    let world = World::open(&backend).await;
    let scope = world.wide();
    let first = write(&world, spec("how-to", ArticleVisibility::Public), ArticleState::Published).await;
    let beside = write(&world, spec("beside", ArticleVisibility::Public), ArticleState::Published).await;
    let second = reword(&world, &first, "# Only one\n\nText.").await;
    let third = reword(&world, &second, "# A\na\n# B\nb\n# C\nc\n").await;
    for store in [backend.store(), backend.other()] {
        let world = world.through(store);
        let store = &world.store;
        assert_eq!(store.article(&scope, first.article.id).await.unwrap(), Some(third.article.clone()));
        let slug = Key::new("how-to").unwrap();
        assert_eq!(store.article_by_slug(&scope, &slug).await.unwrap(), Some(third.article.clone()));
        assert_eq!(store.article_chunks(&scope, first.article.id).await.unwrap(), third.chunks);
        assert_eq!(
            store.chunks(&scope, &ids(&first.chunks)).await.unwrap(),
            vec![],
            "earlier chunks are gone"
        );
        assert_eq!(store.chunks(&scope, &ids(&beside.chunks)).await.unwrap(), beside.chunks);
        assert_eq!(revisions(&world, &scope, first.article.id).await, third.revisions);
        for revision in &third.revisions {
            let found = store.revision(&scope, first.article.id, revision.number).await.unwrap();
            assert_eq!(found.as_ref(), Some(revision));
        }
        assert_eq!(store.revision(&scope, first.article.id, 4).await.unwrap(), None);
    }
    let none = world.plan(|set, _| {
        set.chunks(&third.article, Vec::new());
    });
    world.store.commit(&none).await.expect("no chunks replace all chunks");
    assert_eq!(world.store.article_chunks(&scope, first.article.id).await.unwrap(), vec![]);
}

/// C2: short names are unique within the tenant, and so are the numbers of an article's revisions.
pub async fn c2_short_names_and_revision_numbers_are_unique(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let first = write(&world, spec("taken", ArticleVisibility::Public), ArticleState::Draft).await;
    write(&other, spec("taken", ArticleVisibility::Public), ArticleState::Draft).await;
    let second = write(&world, spec("free", ArticleVisibility::Public), ArticleState::Draft).await;
    let (written, _) = knowledge::write(
        &world.system(),
        world.tenant,
        spec("taken", ArticleVisibility::Public),
        &world.stamp(),
    )
    .unwrap();
    let set = world.plan(|set, stamp| {
        set.article(written, stamp);
    });
    assert_conflict(world.store.commit(&set).await, "a taken short name");
    let repeated = Revision { title: Subject::new("Another").unwrap(), ..first.revisions[0].clone() };
    let set = world.plan(|set, _| {
        set.revision(repeated);
    });
    assert_conflict(world.store.commit(&set).await, "a revision number given twice");
    let found = world.store.revision(&world.wide(), first.article.id, 1).await.unwrap();
    assert_eq!(found.as_ref(), Some(&first.revisions[0]));
    assert_eq!(revisions(&world, &world.wide(), second.article.id).await, second.revisions);
}

/// R1: customers see published public and tenant articles and their chunks, staff all; revisions are for staff.
pub async fn r1_articles_are_shown_to_their_readers(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let mut all = Vec::new();
    for (index, state) in
        [ArticleState::Draft, ArticleState::Published, ArticleState::Archived].into_iter().enumerate()
    {
        for visibility in [ArticleVisibility::Public, ArticleVisibility::Tenant, ArticleVisibility::Internal]
        {
            let slug = format!("{}-{index}", visibility.as_str());
            all.push(write(&world, spec(&slug, visibility), state).await);
        }
    }
    let foreign = write(&other, spec("foreign", ArticleVisibility::Public), ArticleState::Published).await;
    all.push(foreign);
    let user: UserId = world.stamp().id();
    for scope in [world.wide(), world.agent(user, &[]), world.customer(user)] {
        let mut listed = Vec::new();
        for kept in &all {
            let article = &kept.article;
            let own = article.tenant == world.tenant;
            let shown = own && scope.sees_article(article.visibility, article.is_published());
            let store = &world.store;
            let expected = shown.then_some(article);
            assert_eq!(store.article(&scope, article.id).await.unwrap().as_ref(), expected, "{scope:?}");
            assert_eq!(store.article_by_slug(&scope, &article.slug).await.unwrap().as_ref(), expected);
            let chunks = if shown { kept.chunks.clone() } else { Vec::new() };
            assert_eq!(store.article_chunks(&scope, article.id).await.unwrap(), chunks, "{scope:?}");
            assert_eq!(store.chunks(&scope, &ids(&kept.chunks)).await.unwrap(), chunks, "{scope:?}");
            let history = own && scope.is_staff();
            let expected = if history { kept.revisions.clone() } else { Vec::new() };
            assert_eq!(revisions(&world, &scope, article.id).await, expected, "{scope:?}");
            let found = store.revision(&scope, article.id, 1).await.unwrap();
            assert_eq!(found.as_ref(), history.then_some(&kept.revisions[0]), "{scope:?}");
            listed.extend(shown.then(|| article.clone()));
        }
        listed.reverse();
        assert_eq!(
            articles(&world, &scope, &ArticleFilter::default()).await,
            listed,
            "newest first: {scope:?}"
        );
    }
}

/// R2: articles come newest first; state, category and language filter.
pub async fn r2_articles_come_newest_first(backend: Backend) {
    let world = World::open(&backend).await;
    let mut all = Vec::new();
    for index in 0..6 {
        let state = [ArticleState::Draft, ArticleState::Published][index % 2];
        let spec = ArticleSpec {
            category: (index % 3 == 0).then(|| Key::new("billing").unwrap()),
            language: (index > 2).then(|| Language::new("de").unwrap()),
            ..spec(&format!("article-{index}"), ArticleVisibility::Public)
        };
        all.push(write(&world, spec, state).await.article);
    }
    all.reverse();
    for state in
        [None, Some(ArticleState::Draft), Some(ArticleState::Published), Some(ArticleState::Archived)]
    {
        for category in [None, Some(Key::new("billing").unwrap())] {
            for language in [None, Some(Language::new("de").unwrap())] {
                let filter = ArticleFilter { state, category: category.clone(), language: language.clone() };
                let wanted = |article: &&Article| {
                    state.is_none_or(|state| article.state == state)
                        && (category.is_none() || article.category == category)
                        && (language.is_none() || article.language == language)
                };
                let expected: Vec<Article> = all.iter().filter(wanted).cloned().collect();
                assert_eq!(articles(&world, &world.wide(), &filter).await, expected, "{filter:?}");
            }
        }
    }
}

/// R2: chunks come in the order asked for, unknown ones are left out; revisions come by number.
pub async fn r2_chunks_come_in_the_order_asked_for(backend: Backend) {
    let world = World::open(&backend).await;
    let one = write(&world, spec("one", ArticleVisibility::Public), ArticleState::Published).await;
    let two = write(&world, spec("two", ArticleVisibility::Public), ArticleState::Published).await;
    let asked = [two.chunks[1].id, one.chunks[1].id, world.stamp().id(), two.chunks[0].id, one.chunks[0].id];
    let expected = vec![&two.chunks[1], &one.chunks[1], &two.chunks[0], &one.chunks[0]];
    let found = world.store.chunks(&world.wide(), &asked).await.unwrap();
    assert_eq!(found.iter().collect::<Vec<_>>(), expected);
    assert_eq!(world.store.chunks(&world.wide(), &[]).await.unwrap(), vec![]);
    let mut kept = one;
    for round in 0..5 {
        kept = reword(&world, &kept, &format!("round {round}")).await;
    }
    assert_eq!(revisions(&world, &world.wide(), kept.article.id).await, kept.revisions);
    let request = PageRequest::first(2);
    let page = world.store.revisions(&world.wide(), kept.article.id, &request).await.unwrap();
    let cursor = page.next.expect("more follows");
    assert_eq!((cursor.key, cursor.id), (2, kept.article.id.as_uuid()), "the number, and the article's id");
}

/// C1: feedback counts users, a second word on a target replaces the first, and only staff read totals.
pub async fn c1_a_second_word_replaces_the_first(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let article = FeedbackTarget::Article { article: world.stamp().id() };
    let message = FeedbackTarget::Message { message: world.stamp().id() };
    let users: Vec<UserId> = (0..3).map(|_| world.stamp().id()).collect();
    let say = |user: UserId, target: FeedbackTarget, helpful: bool| {
        let actor = Actor::customer(world.tenant, user);
        let said = knowledge::give_feedback(&actor, target, helpful, None, &world.stamp()).unwrap();
        world.plan(|set, stamp| {
            set.feedback(said, stamp);
        })
    };
    for (user, target, helpful) in [
        (users[0], article, true),
        (users[1], article, false),
        (users[2], article, true),
        (users[0], message, false),
        (users[1], article, true),
        (users[0], article, true),
        (users[2], article, false),
    ] {
        world.store.commit(&say(user, target, helpful)).await.expect("feedback is given");
    }
    let totals = |helpful, unhelpful| FeedbackTotals { helpful, unhelpful };
    for scope in [world.wide(), world.agent(users[0], &[])] {
        assert_eq!(world.store.feedback(&scope, article).await.unwrap(), totals(2, 1));
        assert_eq!(world.store.feedback(&scope, message).await.unwrap(), totals(0, 1));
    }
    for scope in [world.customer(users[0]), other.wide()] {
        assert_eq!(world.store.feedback(&scope, article).await.unwrap(), FeedbackTotals::default());
    }
    let unknown = FeedbackTarget::Article { article: world.stamp().id() };
    assert_eq!(world.store.feedback(&world.wide(), unknown).await.unwrap(), FeedbackTotals::default());
}
