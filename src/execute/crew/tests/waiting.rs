//! Who waits for somebody else keeps nobody waiting for himself.

use super::*;
use crate::cache::{Found, LayerCache, Made, Recipe};
use crate::content::Content;
use crate::context::Context;
use crate::digest::Digest;

/// Three conversions of images with the same layers, each in another order, on as many threads.
#[test]
fn crews_that_wait_for_one_another_come_to_their_end() {
    const CREWS: usize = 3;
    ends(|| {
        for _ in 0..300 {
            let hands = Hands::new(NonZeroUsize::new(CREWS).unwrap());
            let cx = Context::default().sharing(hands.clone(), LayerCache::new(None));
            std::thread::scope(|scope| {
                for crew in 0..CREWS {
                    let cx = &cx;
                    scope.spawn(move || convert(cx, crew));
                }
            });
        }
    });
}

/// Does what a conversion does with layers that others make, too.
fn convert(cx: &Context<'_>, first: usize) {
    const LAYERS: usize = 3;
    let hands = cx.hands();
    let _own = hands.wait();
    let layers: Vec<_> = (0..LAYERS).map(|at| (first + at) % LAYERS).collect();
    let done = run(&hands, &layers, |_, _, layer| {
        let text = layer.to_string();
        let (of, size) = (Digest::of(text.as_bytes()), text.len() as u64);
        let cache = cx.layer_cache.as_ref().unwrap();
        if let Found::Yours(ticket) = cache.find(Recipe { of, into: None }, || Ok(()), cx)? {
            std::thread::sleep(Duration::from_millis(1));
            let content = Content::bytes("a".into(), "b".to_owned(), text.into_bytes());
            let stored = Measured { digest: of, size };
            ticket.publish(Made { content, stored, plain: stored });
        }
        Ok(())
    });
    done.unwrap();
}

/// Another operation takes the hand that a helper lends, and keeps it.
#[test]
fn who_has_nothing_to_do_gives_his_hand_to_others() {
    ends(|| {
        let (hands, caller) = (hands(2), std::thread::current().id());
        let both = std::sync::Barrier::new(2);
        let done = run(&hands, &[(); 2], |_, _, ()| {
            both.wait();
            if std::thread::current().id() != caller {
                drop(hands.lend(|| hands.wait()));
            }
            Ok(())
        });
        done.unwrap();
    });
}

/// Takes its time, and fails.
struct Slow {
    begun: std::sync::mpsc::Sender<()>,
}

impl Committer for Slow {
    fn block(&mut self, _: Streams<'_>) -> Result<()> {
        self.begun.send(()).unwrap();
        // The task fails meanwhile.
        std::thread::sleep(Duration::from_millis(50));
        Err(Error::damaged("what was read before"))
    }

    fn end(&mut self, _: Facts) -> Result<()> {
        Ok(())
    }
}

#[test]
fn an_error_of_what_is_being_committed_comes_before_that_of_the_task() {
    let (begun, heard) = channel();
    let heard = Mutex::new(heard);
    let done = run(&hands(2), &[()], |crew, lane, ()| {
        crew.open(lane, Box::new(Measure::new()), Box::new(Slow { begun: begun.clone() }));
        let mut block = crew.empty_block();
        block.plain.push(1);
        crew.push(lane, block, None)?;
        heard.lock().unwrap().recv().unwrap();
        Err(Error::damaged("what was read then"))
    });
    assert_eq!(done.unwrap_err().to_string(), "what was read before");
}
