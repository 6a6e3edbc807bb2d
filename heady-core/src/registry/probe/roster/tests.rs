//! When services are due and what is written, without a clock.

use super::super::streak::Thresholds;
use super::*;
use crate::registry::RegisterService;
use crate::registry::entry::Entry;
use crate::types::now;

pub(in super::super) fn assigned(id: &str, interval_ms: u64) -> Assigned {
    Assigned {
        id: id.into(),
        base_url: "http://127.0.0.1:1".into(),
        health_path: "/".into(),
        settings: Settings {
            interval: Duration::from_millis(interval_ms),
            timeout: Duration::from_secs(5),
            thresholds: Thresholds { up: 2, down: 3 },
        },
        status: HealthStatus::Healthy,
        speaks_until: None,
        fence: 1,
        probed: None,
        streak: None,
    }
}

pub(in super::super) fn answer(status: HealthStatus) -> Answer {
    Answer {
        at: now(),
        status,
        latency_ms: (status != HealthStatus::Unhealthy).then_some(1.0),
        reason: (status != HealthStatus::Healthy).then(|| "it was told to".to_owned()),
    }
}

/// Answers all that are due at this time and returns who was.
fn ask_due(roster: &mut Roster, at: Instant, status: HealthStatus) -> Vec<Id> {
    let calls = roster.take_due(at);
    for call in &calls {
        roster.answered(call, &answer(status), at);
    }
    calls.into_iter().map(|call| call.service.id).collect()
}

#[test]
fn first_probes_are_spread_and_the_others_stay_within_a_tenth() {
    let (mut roster, start) = (Roster::default(), Instant::now());
    let interval = Duration::from_secs(10);
    let ids: Vec<_> = (0..1000).map(|n| format!("service-{n}")).collect();
    roster.assign(ids.iter().map(|id| assigned(id, 10_000)).collect(), start);
    // No tenth of the interval has much more than a tenth of the first probes.
    let mut tenths = [0; 10];
    let mut due: HashMap<Id, Instant> = HashMap::new();
    while due.len() < ids.len() {
        let at = roster.next_due().unwrap();
        assert!(at < start + interval);
        for id in ask_due(&mut roster, at, HealthStatus::Healthy) {
            tenths[((at - start).as_millis() / 1000) as usize] += 1;
            due.insert(id, at);
        }
    }
    assert!(
        tenths.iter().all(|count| (60..150).contains(count)),
        "{tenths:?}"
    );
    for _ in 0..5000 {
        let at = roster.next_due().unwrap();
        for id in ask_due(&mut roster, at, HealthStatus::Healthy) {
            let rest = at - due.insert(id, at).unwrap();
            assert!(
                rest >= interval.mul_f64(0.9) && rest <= interval.mul_f64(1.1),
                "{rest:?}"
            );
        }
    }
}

#[test]
fn a_service_of_a_long_interval_is_asked_however_often_the_process_restarts() {
    let day = Duration::from_hours(24);
    let uptime = Duration::from_mins(1);
    for n in 0..100 {
        let id = format!("service-{n}");
        let mut probed = None;
        let mut asked = Vec::new();
        for restart in 0..20 {
            let (mut roster, start) = (Roster::default(), Instant::now());
            let service = Assigned {
                probed,
                ..assigned(&id, 86_400_000)
            };
            roster.assign(vec![service], start);
            let rest = roster.next_due().unwrap() - start;
            if rest < uptime {
                asked.push(restart);
                probed = Some(Duration::ZERO);
            }
            // The process lives for a minute, six times a day.
            probed = probed.map(|ago| ago + day / 6);
        }
        let rounds: Vec<_> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(asked[0] == 0 && asked.len() >= 2, "{id}: {asked:?}");
        assert!(
            rounds.iter().all(|count| (6..=7).contains(count)),
            "{id}: {asked:?}"
        );
    }
}

#[test]
fn those_that_are_overdue_are_not_asked_at_once() {
    let (mut roster, start) = (Roster::default(), Instant::now());
    let overdue = |n| Assigned {
        probed: Some(Duration::from_hours(100)),
        ..assigned(&format!("service-{n}"), 86_400_000)
    };
    roster.assign((0..1000).map(overdue).collect(), start);
    let mut seconds = [0; 10];
    while roster
        .next_due()
        .is_some_and(|due| due < start + Duration::from_mins(1))
    {
        let at = roster.next_due().unwrap();
        let asked = ask_due(&mut roster, at, HealthStatus::Healthy);
        seconds[(at - start).as_secs() as usize] += asked.len();
    }
    assert!(
        seconds.iter().all(|count| (60..150).contains(count)),
        "{seconds:?}"
    );
}

#[test]
fn a_time_in_the_future_is_neither_shown_nor_carried_on() {
    let (mut roster, start) = (Roster::default(), Instant::now());
    roster.assign(vec![assigned("a", 1000)], start);
    let hour = TimeDelta::hours(1);
    let at = roster.next_due().unwrap();
    let call = roster.take_due(at).remove(0);
    let mut healthy = answer(HealthStatus::Healthy);
    healthy.at += hour;
    roster.answered(&call, &healthy, at);
    let shown = |roster: &Roster, known: Timestamp| {
        let mut service = Service::declare(RegisterService {
            id: "a".into(),
            base_url: Some("http://127.0.0.1:1".into()),
            health_path: Some("/".into()),
            ..RegisterService::default()
        })
        .unwrap();
        service.last_healthy_at = Some(known);
        roster.freshen(&mut service, now());
        service.last_healthy_at
    };
    // Somebody else knows better than what was found before the clock was put back.
    let known = now();
    assert_eq!(shown(&roster, known), Some(known));
    // The database's clock may be right all the same.
    roster.keep_time(hour);
    assert_eq!(shown(&roster, known), Some(healthy.at));
    roster.keep_time(TimeDelta::zero());
    // What is found now is newer than what lies in the future.
    let found = roster.unwritten();
    assert_eq!(found[0].healthy_at, Some(healthy.at));
    roster.written(&found[0], None);
    let at = roster.next_due().unwrap();
    ask_due(&mut roster, at, HealthStatus::Unhealthy);
    assert_eq!(roster.unwritten()[0].healthy_at, None, "it is written");
    let at = roster.next_due().unwrap();
    ask_due(&mut roster, at, HealthStatus::Healthy);
    let healthy_at = roster.unwritten()[0].healthy_at;
    assert!(healthy_at.unwrap() <= now());
    assert_eq!(shown(&roster, now() + hour), healthy_at);
}

#[test]
fn a_service_is_asked_once_at_a_time_and_not_at_once_after_a_late_answer() {
    let (mut roster, start) = (Roster::default(), Instant::now());
    roster.assign(vec![assigned("a", 1000)], start);
    let late = start + Duration::from_mins(1);
    let calls = roster.take_due(late);
    assert_eq!((calls.len(), roster.next_due()), (1, None));
    roster.assign(vec![assigned("a", 1000)], late);
    assert!(roster.take_due(late).is_empty(), "it is being asked");
    roster.answered(&calls[0], &answer(HealthStatus::Healthy), late);
    assert!(roster.next_due().unwrap() >= late + Duration::from_millis(100));
}

#[test]
fn an_answer_is_written_within_a_second_and_half_an_interval_and_a_change_at_once() {
    for (interval_ms, within) in [(10_000, 1000), (1500, 750), (100, 50)] {
        let (mut roster, start) = (Roster::default(), Instant::now());
        roster.assign(vec![assigned("a", interval_ms)], start);
        let mut written_by = Vec::new();
        for _ in 0..3 {
            let at = roster.next_due().unwrap();
            ask_due(&mut roster, at, HealthStatus::Unhealthy);
            written_by.push(roster.write_due().unwrap() - at);
            let found = roster.unwritten();
            roster.written(&found[0], None);
            assert_eq!(roster.write_due(), None);
        }
        let within = Duration::from_millis(within);
        assert_eq!(written_by, [within, within, Duration::ZERO]);
    }
}

#[test]
fn what_is_found_while_it_is_written_is_written_next() {
    let (mut roster, start) = (Roster::default(), Instant::now());
    roster.assign(vec![assigned("a", 1000)], start);
    let at = roster.next_due().unwrap();
    ask_due(&mut roster, at, HealthStatus::Healthy);
    let first = roster.unwritten();
    let at = roster.next_due().unwrap();
    ask_due(&mut roster, at, HealthStatus::Healthy);
    roster.written(&first[0], None);
    let second = roster.unwritten();
    assert_eq!(second[0].streak.repeated, 2);
    roster.written(&second[0], None);
    assert!(roster.unwritten().is_empty());
}

#[test]
fn an_answer_from_elsewhere_or_from_before_counts_for_nothing() {
    let (mut roster, start) = (Roster::default(), Instant::now());
    roster.assign(vec![assigned("a", 1000), assigned("b", 1000)], start);
    let calls = roster.take_due(start + Duration::from_secs(1));
    let moved = Assigned {
        health_path: "/elsewhere".into(),
        ..assigned("a", 1000)
    };
    let taken_back = Assigned {
        fence: 3,
        ..assigned("b", 1000)
    };
    roster.assign(vec![moved, taken_back], start);
    for call in &calls {
        assert!(call.given_up.is_cancelled());
        roster.answered(call, &answer(HealthStatus::Unhealthy), start);
    }
    assert!(roster.unwritten().is_empty());
}

#[test]
fn what_somebody_else_said_restarts_the_count() {
    let (mut roster, start) = (Roster::default(), Instant::now());
    roster.assign(vec![assigned("a", 1000)], start);
    for _ in 0..5 {
        let at = roster.next_due().unwrap();
        ask_due(&mut roster, at, HealthStatus::Healthy);
    }
    let down = Assigned {
        status: HealthStatus::Unhealthy,
        ..assigned("a", 1000)
    };
    roster.assign(vec![down], roster.next_due().unwrap());
    assert_eq!(
        roster.unwritten().len(),
        1,
        "what was found is written all the same"
    );
    let mut turned = Vec::new();
    for _ in 0..2 {
        let at = roster.next_due().unwrap();
        ask_due(&mut roster, at, HealthStatus::Healthy);
        turned.push(roster.targets[&Id::from("a")].turns());
    }
    assert_eq!(turned, [false, true]);
}

#[test]
fn a_service_that_speaks_for_itself_is_left_alone_until_its_report_runs_out() {
    let (mut roster, start) = (Roster::default(), Instant::now());
    let (first, second) = (
        start + Duration::from_secs(30),
        start + Duration::from_mins(1),
    );
    let reports = Assigned {
        speaks_until: Some(first),
        ..assigned("a", 1000)
    };
    roster.assign(vec![reports], start);
    let at = roster.next_due().unwrap();
    assert!(roster.take_due(at).is_empty());
    assert_eq!(roster.next_due(), Some(first));
    // It has reported again meanwhile, which only comes out when its probe is written.
    assert_eq!(
        ask_due(&mut roster, first, HealthStatus::Unhealthy).len(),
        1
    );
    let found = roster.unwritten();
    roster.speaks(&found[0], second);
    assert_eq!(roster.write_due(), None);
    let at = roster.next_due().unwrap();
    assert!(roster.take_due(at).is_empty());
    assert_eq!(roster.next_due(), Some(second));
}

#[test]
fn a_service_that_speaks_no_longer_is_asked_when_it_stops() {
    let (mut roster, start) = (Roster::default(), Instant::now());
    let speaks = |until: Option<Duration>| Assigned {
        speaks_until: until.map(|until| start + until),
        ..assigned("a", 1000)
    };
    roster.assign(vec![speaks(Some(Duration::from_hours(1)))], start);
    let at = roster.next_due().unwrap();
    assert!(roster.take_due(at).is_empty());
    // Its last report holds for less than the one before, or has run out.
    for (until, due) in [
        (Some(Duration::from_mins(1)), start + Duration::from_mins(1)),
        (None, at),
    ] {
        roster.assign(vec![speaks(until)], at);
        assert_eq!(roster.next_due(), Some(due));
    }
    assert_eq!(ask_due(&mut roster, at, HealthStatus::Healthy).len(), 1);
}

#[test]
fn a_probe_that_came_to_nothing_is_made_again() {
    let (mut roster, start) = (Roster::default(), Instant::now());
    roster.assign(vec![assigned("a", 1000)], start);
    let at = roster.next_due().unwrap();
    let calls = roster.take_due(at);
    roster.unanswered(&calls[0], at);
    let rest = roster.next_due().unwrap() - at;
    assert!(rest >= Duration::from_millis(900) && rest <= Duration::from_millis(1100));
    assert!(roster.unwritten().is_empty());
    // Nor does one that was given up.
    let again = roster.take_due(at + rest);
    roster.assign(Vec::new(), at);
    roster.unanswered(&again[0], at);
    assert_eq!(roster.next_due(), None);
}

#[test]
fn those_that_nobody_asks_are_released_first() {
    let (mut roster, start) = (Roster::default(), Instant::now());
    roster.assign(vec![assigned("a", 1000), assigned("b", 100_000)], start);
    let asked = roster.take_due(start + Duration::from_secs(1));
    assert_eq!(asked[0].service.id.as_str(), "a");
    assert_eq!(roster.release(1), [Id::from("b")]);
    assert!(!asked[0].given_up.is_cancelled());
    assert_eq!(roster.release(5), [Id::from("a")]);
    assert!(asked[0].given_up.is_cancelled());
}
