//! Steps of one name in different modules: the compiler cannot see them, and the runtime is not opened.

use resilience::{OpenError, Runtime};

mod shop {
    #[resilience::saga_step(compensate = none)]
    async fn reserve(order: u64) -> Result<u64, std::io::Error> {
        Ok(order)
    }
}

mod warehouse {
    #[resilience::saga_step(compensate = none)]
    async fn reserve(order: u64) -> Result<u64, std::io::Error> {
        Ok(order)
    }
}

#[tokio::test]
async fn a_program_with_two_steps_of_a_name_opens_no_runtime_and_hears_of_both_places() {
    for _ in 0..2 {
        let opened = Runtime::builder("memory:").scoped().open().await;
        let error = opened.map(drop).expect_err("two steps are `reserve`");
        assert!(matches!(error, OpenError::DuplicateName { .. }), "{error}");
        assert_eq!(
            error.to_string(),
            "two functions are registered as saga step `reserve`: tests/steps_of_one_name.rs:7 and \
             tests/steps_of_one_name.rs:14; give one of them another name, because the journal finds them by it"
        );
    }
}
