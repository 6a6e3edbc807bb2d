//! The order of things that wait for each other.

use std::collections::VecDeque;

/// Kahn's algorithm (A. B. Kahn, *Topological sorting of large networks*, CACM 5, 1962) with a first-in, first-out
/// queue filled in the order given, as the users' engine does it: `dependencies[i]` are the items that `i` waits for.
///
/// # Errors
/// The items of a circle, the first repeated at the end.
pub(crate) fn kahn(dependencies: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut missing: Vec<usize> = dependencies.iter().map(Vec::len).collect();
    let mut dependents = vec![Vec::new(); dependencies.len()];
    for (item, waits_for) in dependencies.iter().enumerate() {
        for &other in waits_for {
            dependents[other].push(item);
        }
    }
    let mut queue: VecDeque<usize> = (0..dependencies.len())
        .filter(|&item| missing[item] == 0)
        .collect();
    let mut order = Vec::with_capacity(dependencies.len());
    while let Some(item) = queue.pop_front() {
        order.push(item);
        for &dependent in &dependents[item] {
            missing[dependent] -= 1;
            if missing[dependent] == 0 {
                queue.push_back(dependent);
            }
        }
    }
    match missing.iter().position(|&missing| missing > 0) {
        None => Ok(order),
        Some(start) => Err(circle(dependencies, &missing, start)),
    }
}

/// Walks from an item that never became free to others that did not, until one comes again.
fn circle(dependencies: &[Vec<usize>], missing: &[usize], start: usize) -> Vec<usize> {
    let mut path = vec![start];
    loop {
        let last = path[path.len() - 1];
        let next = dependencies[last]
            .iter()
            .copied()
            .find(|&other| missing[other] > 0)
            .unwrap_or(last);
        let seen = path.iter().position(|&item| item == next);
        path.push(next);
        if let Some(first) = seen {
            return path.split_off(first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn items_without_predecessor_come_as_they_became_free() {
        // The users' file in small: two stages without dependsOn stand at its end.
        assert_eq!(
            kahn(&[vec![], vec![0], vec![1], vec![], vec![]]).unwrap(),
            [0, 3, 4, 1, 2]
        );
        assert_eq!(kahn(&[]).unwrap(), [0; 0]);
    }

    #[test]
    fn a_circle_is_shown() {
        assert_eq!(
            kahn(&[vec![], vec![3], vec![1], vec![2]]).unwrap_err(),
            [1, 3, 2, 1]
        );
        assert_eq!(kahn(&[vec![0]]).unwrap_err(), [0, 0]);
    }

    proptest! {
        #[test]
        fn everything_comes_after_what_it_waits_for(edges in proptest::collection::vec((0_usize..20, 0_usize..20), 0..60)) {
            let mut dependencies = vec![Vec::new(); 20];
            for (a, b) in edges {
                dependencies[a].push(b);
            }
            match kahn(&dependencies) {
                Ok(order) => {
                    let place = |item| order.iter().position(|&other| other == item).unwrap();
                    prop_assert_eq!(order.len(), 20);
                    for (item, waits_for) in dependencies.iter().enumerate() {
                        for &other in waits_for {
                            prop_assert!(place(other) < place(item));
                        }
                    }
                }
                Err(circle) => {
                    prop_assert!(circle.len() > 1 && circle.first() == circle.last());
                    for pair in circle.windows(2) {
                        prop_assert!(dependencies[pair[0]].contains(&pair[1]));
                    }
                }
            }
        }
    }
}
