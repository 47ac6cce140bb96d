//! One behaviour, whatever the store.

use std::sync::Arc;

use tokio::task::JoinSet;
use vestibule::clock::Timestamp;
use vestibule::store::grants::Key;
use vestibule::store::grants::Kind;
use vestibule::store::grants::Record;
use vestibule::store::grants::Spending;

use crate::stores::END;
use crate::stores::NOW;
use crate::stores::handle;
use crate::stores::record;
use crate::stores::stores;

#[tokio::test(flavor = "multi_thread")]
async fn what_one_instance_keeps_another_finds_whole_until_its_end() {
    for store in stores().await {
        let (code, kept) = (handle(), record(&handle()));
        store.here.keep(Kind::Code, &code, kept.clone(), NOW).await.unwrap();
        let found = |now| store.there.find(Kind::Code, &code, now);
        assert_eq!(found(NOW).await.unwrap(), Some(kept.clone()), "{}", store.name);
        assert_eq!(found(Timestamp(END.0 - 1)).await.unwrap(), Some(kept), "{}", store.name);
        assert_eq!(found(END).await.unwrap(), None, "{}", store.name);
        let other_kind = store.there.find(Kind::RefreshToken, &code, NOW).await.unwrap();
        assert_eq!(other_kind, None, "{}", store.name);
        let other_case = store.there.find(Kind::Code, &code.to_uppercase(), NOW).await.unwrap();
        assert_eq!(other_case, None, "{}", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_anew_takes_the_old_ones_place() {
    for store in stores().await {
        let (consent, session) = (handle(), handle());
        store.here.keep(Kind::Consent, &consent, record(&session), NOW).await.unwrap();
        let second = Record { data: "{}".to_owned(), subject: handle(), ..record(&session) };
        store.there.keep(Kind::Consent, &consent, second.clone(), NOW).await.unwrap();
        let found = store.here.find(Kind::Consent, &consent, NOW).await.unwrap();
        assert_eq!(found, Some(second.clone()), "{}", store.name);
        let by_subject = store.here.of_subject(Kind::Consent, &second.subject, NOW).await.unwrap();
        assert_eq!(by_subject.len(), 1, "{}", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l257_of_sixteen_who_spend_a_code_at_once_one_is_first() {
    for store in stores().await {
        let code: Arc<str> = handle().into();
        store.here.keep(Kind::Code, &code, record(&handle()), NOW).await.unwrap();
        let mut callers = JoinSet::new();
        for number in 0..16 {
            let grants = Arc::clone(if number % 2 == 0 { &store.here } else { &store.there });
            let code = Arc::clone(&code);
            callers.spawn(async move { grants.spend(Kind::Code, &code, NOW).await.unwrap() });
        }
        let outcomes = callers.join_all().await;
        let count = |wanted: fn(&Spending) -> bool| outcomes.iter().filter(|o| wanted(o)).count();
        let first = count(|o| matches!(o, Spending::First(_)));
        let again = count(|o| matches!(o, Spending::Again(record) if record.spent));
        assert_eq!((first, again), (1, 15), "{}", store.name);
        assert_eq!(
            store.there.spend(Kind::Code, &code, END).await.unwrap(),
            Spending::Unknown,
            "{}",
            store.name
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l268_of_sixteen_who_bring_the_same_id_one_is_new_until_it_ends() {
    for store in stores().await {
        let id: Arc<str> = handle().into();
        let mut callers = JoinSet::new();
        for number in 0..16 {
            let grants = Arc::clone(if number % 2 == 0 { &store.here } else { &store.there });
            let (id, record) = (Arc::clone(&id), record(&handle()));
            callers.spawn(
                async move { grants.keep_new(Kind::UsedId, &id, record, NOW).await.unwrap() },
            );
        }
        let new = callers.join_all().await.into_iter().filter(|new| *new).count();
        assert_eq!(new, 1, "{}", store.name);
        let later = Record { ends_at: Timestamp(3_000), ..record("later") };
        assert!(
            store.here.keep_new(Kind::UsedId, &id, later, END).await.unwrap(),
            "{}",
            store.name
        );
        let found = store.there.find(Kind::UsedId, &id, Timestamp(2_500)).await.unwrap();
        assert_eq!(found.unwrap().session, "later", "{}", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l269_of_sixteen_who_replace_what_they_saw_one_does() {
    for store in stores().await {
        let token: Arc<str> = handle().into();
        store.here.keep(Kind::RefreshToken, &token, record(&handle()), NOW).await.unwrap();
        let seen = store.there.find(Kind::RefreshToken, &token, NOW).await.unwrap().unwrap();
        let mut callers = JoinSet::new();
        for number in 0..16 {
            let grants = Arc::clone(if number % 2 == 0 { &store.here } else { &store.there });
            let (token, seen) = (Arc::clone(&token), seen.clone());
            let new = Record { data: number.to_string(), ..seen.clone() };
            callers.spawn(async move {
                let done = grants.replace(Kind::RefreshToken, &token, (&seen, new), NOW);
                let done = done.await.unwrap();
                done.then(|| number.to_string())
            });
        }
        let done: Vec<String> = callers.join_all().await.into_iter().flatten().collect();
        let found = store.here.find(Kind::RefreshToken, &token, NOW).await.unwrap().unwrap();
        assert_eq!(done.as_slice(), std::slice::from_ref(&found.data), "{}", store.name);
        assert_eq!(found.version, seen.version + 1, "{}", store.name);
        // What was spent meanwhile is not what was seen.
        store.here.spend(Kind::RefreshToken, &token, NOW).await.unwrap();
        let again = (&found, found.clone());
        let late = store.there.replace(Kind::RefreshToken, &token, again, NOW).await;
        assert!(!late.unwrap(), "{}", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_revoked_here_is_gone_there() {
    for store in stores().await {
        let (session, other) = (handle(), handle());
        let handles: Vec<String> = (0..3).map(|_| handle()).collect();
        for handle in &handles {
            store.here.keep(Kind::Grant, handle, record(&session), NOW).await.unwrap();
        }
        let stays = handle();
        store.here.keep(Kind::Grant, &stays, record(&other), NOW).await.unwrap();

        let found = store.there.of_session(Kind::Grant, &session, NOW).await.unwrap();
        assert_eq!(found.len(), 3, "{}", store.name);
        assert!(found.iter().all(|(_, found)| *found == record(&session)), "{}", store.name);
        let over = store.there.of_session(Kind::Grant, &session, END).await.unwrap();
        assert_eq!(over, [], "{}", store.name);
        let subject = record(&session).subject;
        let about = store.there.of_subject(Kind::Grant, &subject, NOW).await.unwrap();
        assert_eq!(about.len(), 3, "{}", store.name);
        let upper = subject.to_uppercase();
        let about = store.there.of_subject(Kind::Grant, &upper, NOW).await.unwrap();
        assert_eq!(about, [], "{}: names are compared exactly", store.name);

        for (key, _) in &found {
            assert!(store.there.drop_key(Kind::Grant, *key).await.unwrap(), "{}", store.name);
        }
        for handle in &handles {
            let gone = store.here.find(Kind::Grant, handle, NOW).await.unwrap();
            assert_eq!(gone, None, "{}", store.name);
            assert!(!store.here.remove(Kind::Grant, handle).await.unwrap(), "{}", store.name);
        }
        let left = store.here.of_session(Kind::Grant, &other, NOW).await.unwrap();
        assert_eq!(left, [(Key::of(Kind::Grant, &stays), record(&other))], "{}", store.name);
        assert!(store.there.remove(Kind::Grant, &stays).await.unwrap(), "{}", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_replaced_last_is_not_its_owners_oldest() {
    for store in stores().await {
        let (owner, used, idle) = (handle(), handle(), handle());
        for handle in [&used, &idle] {
            store.here.keep(Kind::RefreshToken, handle, record(&owner), NOW).await.unwrap();
        }
        let seen = store.here.find(Kind::RefreshToken, &used, NOW).await.unwrap().unwrap();
        let later = Timestamp(NOW.0 + 1);
        let new = (&seen, seen.clone());
        assert!(store.here.replace(Kind::RefreshToken, &used, new, later).await.unwrap());
        for _ in 0..63 {
            store.here.keep(Kind::RefreshToken, &handle(), record(&owner), later).await.unwrap();
        }
        store.here.sweep(NOW).await.unwrap();
        let found = store.there.find(Kind::RefreshToken, &used, later).await.unwrap();
        assert!(found.is_some(), "{}", store.name);
        let found = store.there.find(Kind::RefreshToken, &idle, later).await.unwrap();
        assert_eq!(found, None, "{}", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_keeps_too_much_loses_its_own_oldest_and_nobody_elses() {
    for store in stores().await {
        let (jane, mallory) = (handle(), handle());
        let janes = handle();
        store.here.keep(Kind::Code, &janes, record(&jane), NOW).await.unwrap();
        for second in 0..200 {
            let now = Timestamp(NOW.0 + second);
            store.here.keep(Kind::Code, &handle(), record(&mallory), now).await.unwrap();
        }
        let last = Timestamp(NOW.0 + 200);
        let mallorys = store.here.of_session(Kind::Code, &mallory, last).await.unwrap();
        assert!(mallorys.len() <= 48, "{}: {}", store.name, mallorys.len());
        store.here.sweep(NOW).await.unwrap();
        let mallorys = store.there.of_session(Kind::Code, &mallory, last).await.unwrap();
        assert!(mallorys.len() <= 32, "{}: {}", store.name, mallorys.len());
        assert!(
            store.there.find(Kind::Code, &janes, last).await.unwrap().is_some(),
            "{}",
            store.name
        );
    }
}
