use super::{
    Cart, CartError, CartLine, lines, price_capped,
    sql::{self, Loaded},
};
use crate::{
    Customer, ProductId, Quantity, Store,
    db::{Tx, retry},
};

impl Store {
    /// The customer's cart at the prices of now.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn cart(&self, customer: &Customer) -> Result<Cart, CartError> {
        Ok(price_capped(&sql::priced_lines(&mut self.read().await?, customer.user_id).await?, self.currency()))
    }

    /// Puts pieces into the cart, adding to those that are there: all of the list or nothing.
    ///
    /// # Errors
    /// [`CartError::Invalid`] when a line, the cart or its total would be too large, [`CartError::UnknownProduct`],
    /// [`CartError::InsufficientStock`] with every line of the list that would ask for more than there is.
    pub async fn cart_add(&self, customer: &Customer, lines: &[CartLine]) -> Result<Cart, CartError> {
        let wanted = lines::sum_up(lines)?;
        retry(async || {
            let (tx, cart) = self.begin_cart(customer, &wanted).await?;
            let wanted = lines::added(&cart.lines, &wanted)?;
            self.put_lines(tx, customer, cart, &wanted).await
        })
        .await
    }

    /// Takes pieces out of the cart; the line goes with its last piece.
    ///
    /// # Errors
    /// [`CartError::NotInCart`].
    pub async fn cart_reduce(&self, customer: &Customer, product: ProductId, by: Quantity) -> Result<Cart, CartError> {
        retry(async || {
            let (tx, mut cart) = self.begin_cart(customer, &[]).await?;
            let line = cart.lines.iter_mut().find(|line| line.product == product).ok_or(CartError::NotInCart(product))?;
            let left = i64::from(line.quantity.get()) - i64::from(by.get());
            let Ok(quantity) = Quantity::new(left) else { return self.delete_line(tx, customer, cart, product).await };
            line.quantity = quantity;
            sql::put_lines(tx, customer.user_id, &cart, &[CartLine { product, quantity }], self.now()).await?;
            Ok(price_capped(&cart.lines, self.currency()))
        })
        .await
    }

    /// Takes a product out of the cart.
    ///
    /// # Errors
    /// [`CartError::NotInCart`].
    pub async fn cart_remove(&self, customer: &Customer, product: ProductId) -> Result<Cart, CartError> {
        retry(async || {
            let (tx, cart) = self.begin_cart(customer, &[]).await?;
            if cart.lines.iter().all(|line| line.product != product) {
                return Err(CartError::NotInCart(product));
            }
            self.delete_line(tx, customer, cart, product).await
        })
        .await
    }

    /// Sets how many of a product are in the cart, adding the line where there is none. `None` removes it, if it is there.
    ///
    /// # Errors
    /// With a quantity, those of [`Store::cart_add`]; without one only the database's.
    pub async fn cart_set(&self, customer: &Customer, product: ProductId, quantity: Option<Quantity>) -> Result<Cart, CartError> {
        let wanted = quantity.map(|quantity| CartLine { product, quantity });
        retry(async || {
            let (tx, cart) = self.begin_cart(customer, wanted.as_slice()).await?;
            match wanted {
                Some(_) => self.put_lines(tx, customer, cart, wanted.as_slice()).await,
                None => self.delete_line(tx, customer, cart, product).await,
            }
        })
        .await
    }

    /// Takes everything out of the cart.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn cart_clear(&self, customer: &Customer) -> Result<Cart, CartError> {
        retry(async || {
            let (tx, cart) = self.begin_cart(customer, &[]).await?;
            sql::delete_lines(tx, customer.user_id, &cart).await?;
            Ok(price_capped(&[], self.currency()))
        })
        .await
    }

    async fn begin_cart(&self, customer: &Customer, wanted: &[CartLine]) -> Result<(Tx, Loaded), CartError> {
        let mut tx = self.write_once().await?;
        let cart = sql::load(&mut tx, customer.user_id, wanted).await?;
        Ok((tx, cart))
    }

    async fn put_lines(&self, tx: Tx, customer: &Customer, cart: Loaded, wanted: &[CartLine]) -> Result<Cart, CartError> {
        let put = lines::put(cart.lines.clone(), wanted, cart.offers(wanted), self.currency())?;
        sql::put_lines(tx, customer.user_id, &cart, wanted, self.now()).await?;
        Ok(put)
    }

    async fn delete_line(&self, tx: Tx, customer: &Customer, mut cart: Loaded, product: ProductId) -> Result<Cart, CartError> {
        sql::delete_line(tx, customer.user_id, &cart, product).await?;
        cart.lines.retain(|line| line.product != product);
        Ok(price_capped(&cart.lines, self.currency()))
    }
}
