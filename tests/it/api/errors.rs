//! Every error code has its page.

use wharf_core::{Code, Reason};

use crate::harness::each;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_code_has_a_page_for_people_and_one_for_terminals() {
    each(async |gateway| {
        let list = gateway.call("GET", "/errors").without_key().empty().await;
        assert_eq!(list.status, 200);
        for code in Code::ALL {
            let path = format!("/errors/{}", code.as_str());
            assert!(list.text.contains(&format!("href=\"{path}\"")), "{path}");
            let plain = gateway.call("GET", &path).without_key().empty().await;
            assert_eq!(plain.status, 200, "{path}");
            assert!(plain.headers["content-type"].starts_with("text/plain"));
            for part in [code.as_str(), code.title(), code.remedy()] {
                assert!(plain.text.contains(part), "{path}: {part}");
            }
            let page = gateway
                .call("GET", &path)
                .without_key()
                .header("accept", "text/html,application/xhtml+xml")
                .empty()
                .await;
            assert!(page.headers["content-type"].starts_with("text/html"));
            assert!(page.headers["content-security-policy"].contains("default-src 'none'"));
            assert!(page.text.contains("What to do:"), "{}", page.text);
        }
        for reason in Reason::ALL {
            let path = format!("/errors/{}", reason.as_str());
            assert!(list.text.contains(&format!("href=\"{path}\"")), "{path}");
            let plain = gateway.call("GET", &path).without_key().empty().await;
            assert_eq!(plain.status, 200, "{path}");
            for part in [reason.as_str(), reason.title(), reason.remedy()] {
                assert!(plain.text.contains(part), "{path}: {part}");
            }
        }
        gateway
            .call("GET", "/errors/nothing")
            .without_key()
            .empty()
            .await
            .assert_problem(404, "not-found");
    })
    .await;
}
